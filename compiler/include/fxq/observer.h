/* SPDX-License-Identifier: MIT */
/*
 * observer.h - observers and fake quantizers: scales from what passes through
 *
 * An observer is a module that returns its argument, and remembers of it what
 * a scale needs: fx_call(observer, x) as often as there is data, then
 * fx_calculate_qparams(). It is a leaf of the tracer: graphs show it as
 * call_module. All of its state is in buffers with torch's names, so a state
 * dict is torch's. A qconfig holds observers and fake quantizers that have seen
 * nothing; each place in a network gets a copy.
 *
 * From a range, widened to hold 0, to scale s and zero point z, in float32, as
 * torch computes them; q is the range of integers:
 *
 *	symmetric	s = max(-min, max) / ((qmax - qmin) / 2), z = 0, and for
 *			quint8 the middle of q
 *	affine		s = (max - min) / (qmax - qmin), z = qmin - rne(min / s)
 *
 * s is at least eps. With power_of_two it is then the least power of two that
 * is not below: a device that only shifts multiplies by it.
 *
 * Options of all of them:
 *
 *	dtype		"quint8", "qint8", or "qint16" for fake quantization
 *	qscheme		"per_tensor_affine", "per_tensor_symmetric",
 *			"per_channel_affine", "per_channel_symmetric"
 *	reduce_range	halves the range of integers
 *	quant_min, quant_max	the range of integers, if it is not the type's;
 *			-7 and 7 are weights of four bits, held in int8
 *	eps		the least scale
 *	power_of_two	see above
 *
 * Where torch has a class of this name its defaults are torch's: quint8 and
 * affine. The others are for a device: qint8 and symmetric.
 */
#ifndef FXQ_OBSERVER_H
#define FXQ_OBSERVER_H

#include <fxq/nn.h>

/* X(id, name, least, most) */
#define FX_QDTYPES(X)					\
	X(QUINT8, "quint8", 0, 255)			\
	X(QINT8,  "qint8",  -128, 127)			\
	X(QINT16, "qint16", -32768, 32767)

enum fx_qdtype {
#define X(id, name, least, most) FX_##id,
	FX_QDTYPES(X)
#undef X
	FX_QDTYPE_COUNT
};

/* X(id, name, per_channel, symmetric) */
#define FX_QSCHEMES(X)						\
	X(PER_TENSOR_AFFINE,     "per_tensor_affine",     0, 0)	\
	X(PER_TENSOR_SYMMETRIC,  "per_tensor_symmetric",  0, 1)	\
	X(PER_CHANNEL_AFFINE,    "per_channel_affine",    1, 0)	\
	X(PER_CHANNEL_SYMMETRIC, "per_channel_symmetric", 1, 1)

enum fx_qscheme {
#define X(id, name, per_channel, symmetric) FX_##id,
	FX_QSCHEMES(X)
#undef X
	FX_QSCHEME_COUNT
};

#define FX_OPTIONS_QTARGET(X, type, scheme)		\
	X(STR,   dtype,        FX_STR(type), NO)	\
	X(STR,   qscheme,      FX_STR(scheme), NO)	\
	X(BOOL,  reduce_range, FX_BOOL(false), NO)	\
	X(INT,   quant_min,    FX_NONE, NO)		\
	X(INT,   quant_max,    FX_NONE, NO)		\
	X(FLOAT, eps,          FX_FLOAT(0x1p-23), NO)	\
	X(BOOL,  power_of_two, FX_BOOL(false), NO)

/* min-max: the extremes of all that was seen (torch). min_val, max_val. */
#define FX_OPTIONS_MinMaxObserver(X)			\
	FX_OPTIONS_QTARGET(X, "quint8", "per_tensor_affine")

/*
 * moving average: the extremes of the first batch, then m += c * (x - m) with
 * the extremes x of each further one, c averaging_constant (torch). 0 keeps
 * what calibration found.
 */
#define FX_OPTIONS_MovingAverageMinMaxObserver(X)	\
	X(FLOAT, averaging_constant, FX_FLOAT(0.01), NO)	\
	FX_OPTIONS_QTARGET(X, "quint8", "per_tensor_affine")

/* The same for each channel along ch_axis by itself (torch). */
#define FX_OPTIONS_PerChannelMinMaxObserver(X)		\
	X(INT,   ch_axis,      FX_INT(0), NO)		\
	FX_OPTIONS_QTARGET(X, "quint8", "per_channel_affine")
#define FX_OPTIONS_MovingAveragePerChannelMinMaxObserver(X)	\
	X(FLOAT, averaging_constant, FX_FLOAT(0.01), NO)	\
	X(INT,   ch_axis,      FX_INT(0), NO)		\
	FX_OPTIONS_QTARGET(X, "quint8", "per_channel_affine")

/*
 * histogram: the part of the range with the least expected square error, by
 * the search of torch 1.13 in the histogram of torch 1.13 (torch). Clips hard
 * where few samples were seen. histogram, min_val, max_val.
 */
#define FX_OPTIONS_HistogramObserver(X)			\
	X(INT,   bins,         FX_INT(2048), NO)	\
	X(INT,   upsample_rate, FX_INT(128), NO)	\
	FX_OPTIONS_QTARGET(X, "quint8", "per_tensor_affine")

/*
 * The next four count in a histogram of 2 * bins bins around 0, whose reach is a
 * power of two, and look for a range in it (histogram, reach, min_val, max_val):
 *
 * percentile	cuts off as many values at either end as to leave percentile
 *		percent (the vendor's default, and its advice to tune)
 * KL		the threshold of |x| with the least Kullback-Leibler divergence
 *		of the values from what the integers keep of them (Migacz, 2017)
 * MSE		of 100, 100 - stride, … percent of the extremes the one with the
 *		least expected square error: counts times s^2 / 12 inside, and
 *		times the squared distance outside
 * mix		of the extremes and these three the one with the least square
 *		error of the middles of the bins
 */
#define FX_OPTIONS_PercentileObserver(X)		\
	X(FLOAT, percentile,   FX_FLOAT(99.99), NO)	\
	X(INT,   bins,         FX_INT(2048), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")
#define FX_OPTIONS_KLObserver(X)			\
	X(INT,   bins,         FX_INT(2048), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")
#define FX_OPTIONS_MSEObserver(X)			\
	X(INT,   stride,       FX_INT(1), NO)		\
	X(INT,   bins,         FX_INT(2048), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")
#define FX_OPTIONS_MixObserver(X)			\
	X(FLOAT, percentile,   FX_FLOAT(99.99), NO)	\
	X(INT,   stride,       FX_INT(1), NO)		\
	X(INT,   bins,         FX_INT(2048), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")

/* clip: min-max of values between xmin and xmax. */
#define FX_OPTIONS_ClipObserver(X)			\
	X(FLOAT, xmin,         FX_FLOAT(-1.0), NO)	\
	X(FLOAT, xmax,         FX_FLOAT(1.0), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")

/* Mean plus and minus std_scale standard deviations, of what there is. */
#define FX_OPTIONS_ClipStdObserver(X)			\
	X(FLOAT, std_scale,    FX_FLOAT(3.0), NO)	\
	FX_OPTIONS_QTARGET(X, "qint8", "per_tensor_symmetric")

/* Observes nothing: scale and zero point are given (torch). */
#define FX_OPTIONS_FixedQParamsObserver(X)		\
	X(FLOAT, scale,        FX_REQUIRED, NO)		\
	X(INT,   zero_point,   FX_INT(0), NO)		\
	FX_OPTIONS_QTARGET(X, "quint8", "per_tensor_affine")

/*
 * Observes nothing: weights came with these scales, one for all of them or one
 * for each channel along ch_axis. Symmetric.
 *
 *	GivenScalesObserver(scales, 8, .ch_axis = 0)
 */
#define FX_OPTIONS_GivenScalesObserver(X)		\
	X(INT,   ch_axis,      FX_INT(0), NO)		\
	FX_OPTIONS_QTARGET(X, "qint8", "per_channel_symmetric")

/* Stands where values stay as they are; has no scale, -ENOTSUP (torch). */
#define FX_OPTIONS_PlaceholderObserver(X)	\
	X(STR,   dtype,        FX_STR("float32"), NO)

/*
 * Fake quantizers: an observer, and its argument as it is after it has been an
 * integer: clamp(rne(x * (1 / s)) + z, qmin, qmax), minus z, times s.
 *
 *	FakeQuantize(MovingAverageMinMaxObserver(.dtype = "qint8"))
 *
 * The observer is taken over, as activation_post_process. quant_min, quant_max
 * and axis are its, and not given. For training, rounding counts as no change,
 * and the gradient is 0 where x saturates.
 */
#define FX_OPTIONS_FAKE(X)			\
	X(INT,   quant_min,    FX_NONE, INT)	\
	X(INT,   quant_max,    FX_NONE, INT)	\
	X(INT,   axis,         FX_INT(0), INT)

/* torch's. Buffers fake_quant_enabled, observer_enabled, scale, zero_point. */
#define FX_OPTIONS_FakeQuantize(X)	FX_OPTIONS_FAKE(X)

/*
 * learned step size (Esser et al., 2020): the scale is a parameter, in one
 * piece or of channel_len channels. Its gradient is the sum of dy times
 * rne(x / s) - x / s, or qmin - z and qmax - z where x saturates, divided by
 * sqrt(elements * qmax) unless grad_scaling is false. It starts from what the
 * observer finds in calibration, or in the first batch.
 */
#define FX_OPTIONS_LSQFakeQuantize(X)			\
	X(INT,   channel_len,  FX_INT(1), NO)		\
	X(BOOL,  grad_scaling, FX_BOOL(true), INT)	\
	FX_OPTIONS_FAKE(X)

/*
 * parameterized clipping (Choi et al., 2018): alpha, the largest value that is
 * kept, is a parameter; s = alpha / (qmax - z). The range is [0, alpha] if the
 * observer's qscheme is affine, else [-alpha, alpha]. Its gradient is the sum of
 * dy where x is above, less that where it is below -alpha. It starts from what
 * calibration finds, or from the option.
 */
#define FX_OPTIONS_PACTFakeQuantize(X)			\
	X(FLOAT, alpha,        FX_FLOAT(6.0), NO)	\
	X(INT,   clip_only,    FX_INT(1), INT)		\
	FX_OPTIONS_FAKE(X)

/* X(class) */
#define FX_OBSERVER_CLASSES(X)			\
	X(MinMaxObserver)			\
	X(MovingAverageMinMaxObserver)		\
	X(PerChannelMinMaxObserver)		\
	X(MovingAveragePerChannelMinMaxObserver) \
	X(HistogramObserver)			\
	X(PercentileObserver)			\
	X(KLObserver)				\
	X(MSEObserver)				\
	X(MixObserver)				\
	X(ClipObserver)				\
	X(ClipStdObserver)			\
	X(FixedQParamsObserver)			\
	X(GivenScalesObserver)			\
	X(PlaceholderObserver)			\
	X(FakeQuantize)				\
	X(LSQFakeQuantize)			\
	X(PACTFakeQuantize)

#define MinMaxObserver(...)	FX_CONSTRUCT(MinMaxObserver, __VA_ARGS__)
#define MovingAverageMinMaxObserver(...)	\
	FX_CONSTRUCT(MovingAverageMinMaxObserver, __VA_ARGS__)
#define PerChannelMinMaxObserver(...)	\
	FX_CONSTRUCT(PerChannelMinMaxObserver, __VA_ARGS__)
#define MovingAveragePerChannelMinMaxObserver(...)	\
	FX_CONSTRUCT(MovingAveragePerChannelMinMaxObserver, __VA_ARGS__)
#define HistogramObserver(...)	FX_CONSTRUCT(HistogramObserver, __VA_ARGS__)
#define PercentileObserver(...)	\
	FX_CONSTRUCT(PercentileObserver, __VA_ARGS__)
#define KLObserver(...)	FX_CONSTRUCT(KLObserver, __VA_ARGS__)
#define MSEObserver(...)	FX_CONSTRUCT(MSEObserver, __VA_ARGS__)
#define MixObserver(...)	FX_CONSTRUCT(MixObserver, __VA_ARGS__)
#define ClipObserver(...)	FX_CONSTRUCT(ClipObserver, __VA_ARGS__)
#define ClipStdObserver(...)	FX_CONSTRUCT(ClipStdObserver, __VA_ARGS__)
#define FixedQParamsObserver(...)	\
	FX_CONSTRUCT(FixedQParamsObserver, __VA_ARGS__)
#define GivenScalesObserver(scales, n, ...)	\
	fx_given_scales(FX_CONSTRUCT(GivenScalesObserver, __VA_ARGS__), scales, \
			n)
#define PlaceholderObserver(...)	\
	FX_CONSTRUCT(PlaceholderObserver, __VA_ARGS__)
#define FakeQuantize(observer)	\
	fx_fake_quantizer(FX_CONSTRUCT(FakeQuantize), observer)
#define LSQFakeQuantize(observer, ...)	\
	fx_fake_quantizer(FX_CONSTRUCT(LSQFakeQuantize, __VA_ARGS__), observer)
#define PACTFakeQuantize(observer, ...)	\
	fx_fake_quantizer(FX_CONSTRUCT(PACTFakeQuantize, __VA_ARGS__), observer)

FX_OBSERVER_CLASSES(FX_OPTIONS_STRUCT)
#define FX_CLASS_DECLARE(id)	extern const struct fx_class fx_class_##id;
FX_OBSERVER_CLASSES(FX_CLASS_DECLARE)
#undef FX_CLASS_DECLARE

struct fx_module *fx_given_scales(struct fx_module *m, const float *scales,
				  size_t n);
struct fx_module *fx_fake_quantizer(struct fx_module *m,
				    struct fx_module *observer);

/*
 * What all fake quantizers at or below a module do: observe, quantize, or
 * both. Who learns a scale observes only in calibration, and its first batch if
 * there was none.
 */
enum fx_fake_quant_state {
	FX_CALIBRATION,		/* observe */
	FX_QAT,			/* both */
	FX_VALIDATION,		/* quantize */
};
void fx_set_fake_quantize(struct fx_module *m, enum fx_fake_quant_state state);

/* torch's switches, one by one, for all of them as well. */
void fx_enable_observer(struct fx_module *m);
void fx_disable_observer(struct fx_module *m);
void fx_enable_fake_quant(struct fx_module *m);
void fx_disable_fake_quant(struct fx_module *m);

/*
 * struct fx_qparams - how to quantize a value
 * @n: of scales and zero points: 1, or one for each channel
 * @ch_axis: along which the channels lie; -1: one scale for all
 * @error: Output: why there are none, one sentence; "" after success
 */
struct fx_qparams {
	int64_t n;
	float *scale;
	int32_t *zero_point;
	int ch_axis;
	int quant_min, quant_max;
	enum fx_qdtype dtype;
	enum fx_qscheme qscheme;
	char error[FXQ_ERROR_MAX];
};

/*
 * What @observer, or a fake quantizer, has found. -ENODATA if it has seen
 * nothing yet, where torch would say scale 1, zero point 0; -EINVAL if it is
 * neither, or saw what no scale fits. The caller frees @ret, after success.
 */
int fx_calculate_qparams(struct fx_module *observer, struct fx_qparams *ret);
void fx_qparams_free(struct fx_qparams *q);

/* Whether fx_calculate_qparams() has an answer for modules of this kind. */
bool fx_is_observer(const struct fx_module *m);

#endif /* FXQ_OBSERVER_H */
