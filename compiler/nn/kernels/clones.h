/* SPDX-License-Identifier: MIT */
/*
 * clones.h - FXQ_CLONES: a function compiled for several instruction sets
 *
 * The loader picks the best for this processor. All of them give the same
 * bits: products are not contracted into fused ones, and a sum's order is the
 * program's, so that a wider vector only holds more outputs. Sanitizers run
 * before the resolvers they instrument could work, and other processors need
 * none of it.
 */
#ifndef FXQ_CLONES_H
#define FXQ_CLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
	__has_feature(thread_sanitizer)
#define FXQ_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FXQ_SANITIZED 1
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(FXQ_SANITIZED) && \
	!defined(FXQ_PORTABLE)
#define FXQ_CLONES \
	__attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FXQ_CLONES
#endif

#endif
