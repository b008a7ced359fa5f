/* SPDX-License-Identifier: MIT */
/*
 * clones.h - FXQ_CLONES: a function compiled for several instruction sets
 *
 * The loader picks the best for this processor. All give the same bits: the
 * sums are integers, and fp32 products are never contracted into fused ones,
 * so that a wider vector only holds more outputs. Sanitizers run before the
 * resolvers they instrument could work, and other processors need none of it.
 */
#ifndef FXQ_EXEC_CLONES_H
#define FXQ_EXEC_CLONES_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FXQ_NO_CLONES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define FXQ_NO_CLONES 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(FXQ_NO_CLONES)
#define FXQ_HAVE_CLONES 1
#define FXQ_CLONES \
	__attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define FXQ_CLONES
#endif

#endif /* FXQ_EXEC_CLONES_H */
