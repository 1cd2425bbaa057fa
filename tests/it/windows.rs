//! Windows that slide along axes: what they see, convolutions, poolings, and the gradients of these.

use crate::support::{SUM_F64, floats, near, of_sums, same, slopes, truths, whole};
use defn::prelude::*;

/// Where tap `t` of window `o` lies on an axis of `extent`; none in the padding.
fn place([o, t]: [usize; 2], [stride, dilation, low]: [usize; 3], extent: usize) -> Option<usize> {
    (o * stride + t * dilation).checked_sub(low).filter(|at| *at < extent)
}

/// The number of windows.
fn count(extent: usize, taps: usize, [stride, dilation, padding]: [usize; 3]) -> usize {
    (extent + padding - dilation * (taps - 1) - 1) / stride + 1
}

#[defn]
fn neighbours<T: Number>(
    x: Tensor<T, time>,
) -> (
    Tensor<T, time<{ time - 2 }>, tap<3>>,
    Tensor<T, time<{ (time - 1) / 2 }>, tap<3>>,
    Tensor<T, time<{ (time - 1) / 3 + 1 }>, tap<3>>,
) {
    (
        x.window(time, tap = 3),
        x.window(time, tap = 3, stride = 2),
        x.window(time, tap = 3, dilation = 2, padding = (1, 3), stride = 3),
    )
}

#[test]
fn windows_see_every_element_type() {
    for time in [3, 4, 7, 8, 17, 37] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = whole::<$type, 1>([time], 1);
                let (one, two, padded) = neighbours::<$type>(&x);
                assert_eq!(one.shape(), [time - 2, 3]);
                same(&one, |[o, t]| x[[o + t]]);
                assert_eq!(two.shape(), [count(time, 3, [2, 1, 0]), 3]);
                same(&two, |[o, t]| x[[2 * o + t]]);
                assert_eq!(padded.shape(), [count(time, 3, [3, 2, 4]), 3]);
                let zero = 0 as $type;
                same(&padded, |at| place(at, [3, 2, 1], time).map_or(zero, |at| x[[at]]));
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
}

#[defn]
fn of_truths(x: Tensor<bool, n>) -> Tensor<bool, n, tap<2>> {
    x.window(n, tap = 2, padding = (1, 0))
}

#[defn]
fn of_unnamed(x: Tensor<f32, { n }, { m }>) -> Tensor<f32, { n - 1 }, { m }, pair<2>> {
    x.window(axis = 0, pair = 2)
}

#[defn]
fn held(x: Tensor<f32, n>, around: f32) -> Tensor<f32, n<{ n + 1 }>, pair<2>> {
    x.window(n, pair = 2, value = around * 2.0, padding = (1, 1))
}

#[defn]
fn moved(
    x: Tensor<i64, n>,
    by: usize,
    apart: usize,
) -> Tensor<i64, windows<{ (n - apart - 1) / by + 1 }>, pair<2>> {
    x.window(n, pair = 2, stride = by, dilation = apart).rename(n, windows)
}

#[test]
fn padding_holds_a_value() {
    for n in [1, 2, 5, 16] {
        let x = truths([n], 1);
        same(&of_truths(&x), |at| place(at, [1, 1, 1], n).is_some_and(|at| x[[at]]));
        let x = floats::<f32, 1>([n], 2);
        same(&held(&x, 0.25), |at| place(at, [1, 1, 1], n).map_or(0.5, |at| x[[at]]));
    }
    let x = floats::<f32, 2>([4, 3], 3);
    same(&of_unnamed(&x), |[i, j, t]| x[[i + t, j]]);
}

#[test]
fn strides_and_dilations_may_be_extents() {
    let x = whole::<i64, 1>([20], 1);
    for (by, apart) in [(1, 1), (2, 3), (5, 1), (30, 19)] {
        let found = moved(&x, by, apart);
        assert_eq!(found.shape(), [(20 - apart - 1) / by + 1, 2]);
        same(&found, |[o, t]| x[[o * by + t * apart]]);
    }
    let error = moved::try_call(&x, 0, 1).unwrap_err().to_string();
    assert!(error.contains("stride: `1` must not exceed `by`"), "{error}");
    let error = moved::try_call(&x, 1, 20).unwrap_err().to_string();
    assert!(error.contains("window of axis `n`"), "{error}");
    let error = of_unnamed::try_call(&floats([1, 3], 1)).unwrap_err().to_string();
    assert!(error.contains("window of axis `0`: `2` must not exceed `n`"), "{error}");
}

/// The convolution of signals, as it is written in books: with every tap that fits.
#[defn]
fn correlate<T: Float>(
    x: Tensor<T, batch, channel, time>,
    w: Tensor<T, filter, channel, tap>,
) -> Tensor<T, batch, filter, time<{ time - tap + 1 }>> {
    x.window(time, tap).dot(w, (channel, tap))
}

#[test]
fn convolution_of_signals() {
    for ([batch, channel, time], [filter, tap]) in [
        ([2, 3, 17], [5, 3]),
        ([1, 1, 8], [1, 8]),
        ([3, 2, 40], [17, 1]),
        ([0, 2, 5], [3, 2]),
        ([2, 0, 5], [3, 2]),
        ([2, 2, 5], [0, 2]),
        ([2, 4, 64], [16, 5]),
    ] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = floats::<$type, 3>([batch, channel, time], 1);
                let w = floats::<$type, 3>([filter, channel, tap], 2);
                let found = correlate::<$type>(&x, &w);
                assert_eq!(found.shape(), [batch, filter, time - tap + 1]);
                near(&found, of_sums::<$type>(), |[b, f, o]| {
                    let taps = (0..channel).flat_map(|c| (0..tap).map(move |t| (c, t)));
                    taps.map(|(c, t)| f64::from(x[[b, c, o + t]]) * f64::from(w[[f, c, t]])).sum()
                });
            })*};
        }
        check! { f32 f64 }
    }
}

#[defn]
fn image<T: Float>(
    x: Tensor<T, batch, channel, h, w>,
    k: Tensor<T, filter, channel, kh<3>, kw<3>>,
) -> Tensor<T, batch, filter, h, w> {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    x.dot(k, (channel, kh, kw))
}

/// Strides, dilation and uneven padding, with everything that follows a convolution.
#[defn]
fn strided<T: Float>(
    x: Tensor<T, batch, channel, h, w>,
    k: Tensor<T, filter, channel, kh<3>, kw<2>>,
    bias: Tensor<T, filter>,
) -> Tensor<T, batch, filter, oh<{ (h + 1) / 2 }>, ow<{ w / 3 + 1 }>> {
    let x = x.window(h, kh = 3, stride = 2, dilation = 2, padding = (1, 3));
    let x = x.window(w, kw = 2, stride = 3, padding = (0, 2));
    let y = x.rename(h, oh).rename(w, ow).dot(k, (channel, kh, kw)) + bias;
    y.max(0.0)
}

fn naive_image(
    x: &Tensor<f64, 4>,
    k: &Tensor<f64, 4>,
    [b, f, i, j]: [usize; 4],
    [down, across]: [[usize; 3]; 2],
) -> f64 {
    let ([_, channel, h, w], [_, _, kh, kw]) = (x.shape(), k.shape());
    let mut sum = 0.0;
    for c in 0..channel {
        for p in 0..kh {
            for q in 0..kw {
                let at = (place([i, p], down, h), place([j, q], across, w));
                if let (Some(y), Some(z)) = at {
                    sum += x[[b, c, y, z]] * k[[f, c, p, q]];
                }
            }
        }
    }
    sum
}

#[test]
fn convolution_of_images() {
    for ([batch, channel, filter], [h, w]) in [
        ([1, 1, 1], [1, 1]),
        ([2, 3, 4], [5, 7]),
        ([1, 4, 16], [9, 17]),
        ([2, 2, 3], [3, 40]),
        ([2, 3, 70], [7, 13]),
        ([0, 2, 3], [5, 5]),
        ([2, 0, 3], [5, 5]),
        ([2, 3, 0], [5, 5]),
    ] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = floats::<$type, 4>([batch, channel, h, w], 1);
                let k = floats::<$type, 4>([filter, channel, 3, 3], 2);
                let (wide, kernel) = (x.cast::<f64>(), k.cast::<f64>());
                let found = image::<$type>(&x, &k);
                assert_eq!(found.shape(), [batch, filter, h, w]);
                let same = [[1, 1, 1], [1, 1, 1]];
                near(&found, of_sums::<$type>(), |at| naive_image(&wide, &kernel, at, same));

                let k = floats::<$type, 4>([filter, channel, 3, 2], 3);
                let bias = floats::<$type, 1>([filter], 4);
                let kernel = k.cast::<f64>();
                let found = strided::<$type>(&x, &k, &bias);
                assert_eq!(found.shape(), [batch, filter, h.div_ceil(2), w / 3 + 1]);
                near(&found, of_sums::<$type>(), |at| {
                    let sum = naive_image(&wide, &kernel, at, [[2, 2, 1], [3, 1, 0]]);
                    (sum + f64::from(bias[[at[1]]])).max(0.0)
                });
            })*};
        }
        check! { f32 f64 }
    }
}

/// The filters first: many, and so few that lanes run along the image.
#[defn]
fn reversed<T: Float>(
    x: Tensor<T, channel, h, w>,
    many: Tensor<T, filter, channel, kh<3>, kw<3>>,
    few: Tensor<T, color<3>, channel, kh<3>, kw<3>>,
) -> (Tensor<T, filter, h<{ h - 2 }>, w<{ w - 2 }>>, Tensor<T, color<3>, h<{ h - 2 }>, w<{ w - 2 }>>)
{
    let x = x.window(h, kh = 3).window(w, kw = 3);
    (many.dot(x, (channel, kh, kw)), few.dot(x, (channel, kh, kw)))
}

#[test]
fn filters_may_come_first() {
    let valid = [[1, 1, 0]; 2];
    for [filter, h, w] in [[1, 3, 3], [5, 6, 40], [32, 9, 20], [0, 4, 4]] {
        let x = floats::<f32, 3>([4, h, w], 1);
        let many = floats::<f32, 4>([filter, 4, 3, 3], 2);
        let few = floats::<f32, 4>([3, 4, 3, 3], 3);
        let found = reversed::<f32>(&x, &many, &few);
        let wide = x.cast::<f64>().reshaped([1, 4, h, w]).unwrap();
        let (many, few) = (many.cast::<f64>(), few.cast::<f64>());
        near(&found.0, of_sums::<f32>(), |[f, i, j]| {
            naive_image(&wide, &many, [0, f, i, j], valid)
        });
        near(&found.1, of_sums::<f32>(), |[f, i, j]| naive_image(&wide, &few, [0, f, i, j], valid));
    }
}

#[test]
fn views_are_convolved() {
    let whole = floats::<f32, 4>([7, 9, 3, 4], 1);
    let x = whole.permuted([3, 2, 0, 1]);
    let k = floats::<f32, 4>([3, 3, 2, 3], 2).permuted([2, 3, 1, 0]);
    let (wide, kernel) = (x.cast::<f64>(), k.cast::<f64>());
    let found = image::<f32>(&x, &k);
    near(&found, of_sums::<f32>(), |at| naive_image(&wide, &kernel, at, [[1, 1, 1]; 2]));
}

#[defn]
fn volume(
    x: Tensor<f64, channel, d, h, w>,
    k: Tensor<f64, filter, channel, kd<2>, kh<3>, kw<2>>,
) -> Tensor<f64, filter, d<{ d - 1 }>, h<{ h / 2 }>, w> {
    let x = x.window(d, kd = 2).window(h, kh = 3, stride = 2, padding = (0, 1));
    x.window(w, kw = 2, dilation = 3, padding = (3, 0)).dot(k, (channel, kd, kh, kw))
}

#[test]
fn convolution_of_volumes() {
    let x = floats::<f64, 4>([2, 4, 6, 5], 1);
    let k = floats::<f64, 5>([3, 2, 2, 3, 2], 2);
    near(&volume(&x, &k), SUM_F64, |[f, i, j, l]| {
        let mut sum = 0.0;
        for (c, p, q, r) in (0..24).map(|at| (at / 12, at / 6 % 2, at / 2 % 3, at % 2)) {
            let at = (place([j, q], [2, 1, 0], 6), place([l, r], [1, 3, 3], 5));
            if let (Some(y), Some(z)) = at {
                sum += x[[c, i + p, y, z]] * k[[f, c, p, q, r]];
            }
        }
        sum
    });
}

/// Channels in groups: each filter sees its own.
#[defn]
fn grouped(
    x: Tensor<f32, channel<{ 3 * group }>, h, w>,
    k: Tensor<f32, group, filter, member<3>, kh<3>, kw<3>>,
) -> Tensor<f32, group, filter, h<{ h - 2 }>, w<{ w - 2 }>> {
    let x = x.split(channel, (group, member = 3));
    x.window(h, kh = 3).window(w, kw = 3).dot(k, (member, kh, kw))
}

/// Each channel alone.
#[defn]
fn depthwise(
    x: Tensor<f32, channel, h, w>,
    k: Tensor<f32, channel, kh<3>, kw<3>>,
) -> Tensor<f32, channel, h, w> {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    (x * k).sum(kh, kw)
}

#[test]
fn convolution_in_groups() {
    let (x, k) = (floats::<f32, 3>([6, 7, 9], 1), floats::<f32, 5>([2, 4, 3, 3, 3], 2));
    near(&grouped(&x, &k), of_sums::<f32>(), |[g, f, i, j]| {
        let taps = (0..27).map(|at| (at / 9, at / 3 % 3, at % 3));
        let product =
            |(c, p, q)| f64::from(x[[3 * g + c, i + p, j + q]]) * f64::from(k[[g, f, c, p, q]]);
        taps.map(product).sum()
    });
    let k = floats::<f32, 3>([6, 3, 3], 3);
    near(&depthwise(&x, &k), of_sums::<f32>(), |[c, i, j]| {
        let taps = (0..9).filter_map(|at| {
            let (y, z) = (place([i, at / 3], [1, 1, 1], 7)?, place([j, at % 3], [1, 1, 1], 9)?);
            Some(f64::from(x[[c, y, z]]) * f64::from(k[[c, at / 3, at % 3]]))
        });
        taps.sum()
    });
}

#[defn]
fn pooled<T: Number>(
    x: Tensor<T, c, h, w>,
) -> (Tensor<T, c, h<{ h / 2 }>, w<{ w / 2 }>>, Tensor<T, c, h<{ h / 2 }>, w<{ w / 2 }>>) {
    let x = x.window(h, kh = 2, stride = 2).window(w, kw = 2, stride = 2);
    (x.max(kh, kw), x.min(kh, kw))
}

#[defn]
fn averaged<T: Float>(x: Tensor<T, h, w>) -> (Tensor<T, h, w>, Tensor<T, h, w>) {
    let x = x.window(h, kh = 3, padding = (1, 1)).window(w, kw = 3, padding = (1, 1));
    (x.mean(kh, kw), x.sum(kh, kw))
}

#[defn]
fn highest(x: Tensor<f32, h, w>) -> (Tensor<f32, h, w>, Tensor<f32, h, w>) {
    let lowest = f32::NEG_INFINITY;
    let x = x.window(h, kh = 3, padding = (1, 1), value = lowest);
    let x = x.window(w, kw = 3, padding = (1, 1), value = lowest);
    (x.max(kh, kw), x.max(0.0).max(kh, kw))
}

#[test]
fn pooling() {
    for shape in [[1, 2, 2], [3, 4, 6], [2, 7, 9], [0, 4, 4], [2, 16, 34]] {
        macro_rules! check {
            ($($type:ident)*) => {$({
                let x = whole::<$type, 3>(shape, 1);
                let (most, least) = pooled::<$type>(&x);
                assert_eq!(most.shape(), [shape[0], shape[1] / 2, shape[2] / 2]);
                let four = |[c, i, j]: [usize; 3]| {
                    [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[p, q]| x[[c, 2 * i + p, 2 * j + q]])
                };
                same(&most, |at| four(at).into_iter().reduce(|a, b| if a > b { a } else { b }).unwrap());
                same(&least, |at| four(at).into_iter().reduce(|a, b| if a < b { a } else { b }).unwrap());
            })*};
        }
        check! { f32 f64 i32 i64 u8 u32 u64 }
    }
    let x = floats::<f32, 2>([5, 18], 2);
    let around = |[i, j]: [usize; 2]| {
        let at = |p, q| Some([place([i, p], [1, 1, 1], 5)?, place([j, q], [1, 1, 1], 18)?]);
        (0..9).filter_map(move |k| at(k / 3, k % 3)).map(|at| x[at]).collect::<Vec<_>>()
    };
    let (mean, sum) = averaged::<f32>(&x);
    let total = |at| around(at).iter().map(|x| f64::from(*x)).sum::<f64>();
    near(&sum, of_sums::<f32>(), total);
    near(&mean, of_sums::<f32>(), |at| total(at) / 9.0);
    let (most, positive) = highest(&x);
    let largest = |at| around(at).into_iter().fold(f32::NEG_INFINITY, f32::max);
    same(&most, largest);
    same(&positive, |at| largest(at).max(0.0));
}

/// Checks the gradient with respect to one parameter against central differences.
macro_rules! check_gradients {
    ($function:ident($x:expr, $y:expr)) => {{
        let (x, y) = (&$x, &$y);
        let (of_x, of_y) = grad!($function, wrt = (x, y))(x, y);
        slopes(&of_x, x, |x| $function(x, y));
        slopes(&of_y, y, |y| $function(x, y));
    }};
}

#[defn]
fn of_correlation(
    x: Tensor<f64, batch, channel, time>,
    y: Tensor<f64, filter, channel, tap>,
) -> f64 {
    correlate(x, y).square().sum()
}

#[defn]
fn of_image(
    x: Tensor<f64, batch, channel, h, w>,
    y: Tensor<f64, filter, channel, kh<3>, kw<3>>,
) -> f64 {
    image(x, y).tanh().square().sum()
}

#[defn]
fn of_strided(
    x: Tensor<f64, batch, channel, h, w>,
    y: Tensor<f64, filter, channel, kh<3>, kw<2>>,
) -> f64 {
    let bias = full(0.5f64, filter);
    strided(x, y, bias).square().sum()
}

#[defn]
fn of_volume(
    x: Tensor<f64, channel, d, h, w>,
    y: Tensor<f64, filter, channel, kd<2>, kh<3>, kw<2>>,
) -> f64 {
    volume(x, y).square().sum()
}

#[defn]
fn of_depthwise(x: Tensor<f64, channel, h, w>, y: Tensor<f64, channel, kh<3>, kw<2>>) -> f64 {
    let x = x.window(h, kh = 3, dilation = 2, padding = (4, 0)).window(w, kw = 2, stride = 2);
    (x * y).sum(kh, kw).tanh().sum()
}

#[test]
fn gradients_of_convolutions() {
    check_gradients!(of_correlation(floats([2, 3, 9], 1), floats([4, 3, 3], 2)));
    check_gradients!(of_correlation(floats([1, 2, 4], 1), floats([2, 2, 4], 2)));
    check_gradients!(of_correlation(floats([2, 1, 5], 1), floats([3, 1, 1], 2)));
    check_gradients!(of_correlation(floats([0, 2, 5], 1), floats([3, 2, 2], 2)));
    check_gradients!(of_image(floats([2, 2, 4, 5], 1), floats([3, 2, 3, 3], 2)));
    check_gradients!(of_image(floats([1, 1, 1, 1], 1), floats([1, 1, 3, 3], 2)));
    check_gradients!(of_strided(floats([1, 2, 6, 7], 1), floats([2, 2, 3, 2], 2)));
    check_gradients!(of_volume(floats([2, 3, 4, 4], 1), floats([2, 2, 2, 3, 2], 2)));
    check_gradients!(of_depthwise(floats([3, 5, 7], 1), floats([3, 3, 2], 2)));
}

#[defn]
fn of_poolings(x: Tensor<f64, c, h, w>) -> f64 {
    let two = x.window(h, kh = 2, stride = 2).window(w, kw = 2, stride = 2);
    let three = x.window(h, kh = 3).window(w, kw = 3, dilation = 2, padding = (2, 1));
    let most = two.max(kh, kw).square().sum() + two.mean(kh, kw).exp().sum();
    most + three.sum(kh, kw).sin().sum() + three.square().mean(kh, kw).sum()
}

/// The slope of a slope: what overlaps is seen through windows again.
#[defn]
fn of_gradient(x: Tensor<f64, n>, y: Tensor<f64, k>) -> f64 {
    let (dx, dy) = grad!(of_line, wrt = (x, y))(x, y);
    dx.square().sum() + dy.square().sum()
}

#[defn]
fn of_line(x: Tensor<f64, n>, y: Tensor<f64, k>) -> f64 {
    x.window(n, k, padding = (1, 1)).dot(y, k).tanh().sum()
}

#[test]
fn gradients_of_poolings() {
    for shape in [[2, 4, 4], [1, 5, 7], [0, 4, 4]] {
        let x = floats::<f64, 3>(shape, 1);
        slopes(&grad!(of_poolings)(&x), &x, |x| of_poolings(x));
    }
    check_gradients!(of_gradient(floats([6], 1), floats([3], 2)));
}
