//! Pooling by the maximum.

#[cfg(feature = "burn")]
mod device;

use crate::kernels::parts::{Of, share};
use crate::kernels::vectorised;
use crate::layers::padding::{Padding, Valid, Windows, output_length};
use crate::size::expect;
use crate::{Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::marker::PhantomData;

/// The largest value in each square window of side `WINDOW`, `STRIDE` apart, channel by channel.
///
/// Beyond the border there is nothing to be the largest. The gradient goes to the largest value, to the first of
/// equal ones, row by row. A value that is not a number is the largest.
///
/// # Shapes
/// (batch, height, width, channels) -> (batch, `H`, `W`, channels), where [`Valid`] makes
/// `H` = (height - `WINDOW`) / `STRIDE` + 1 and [`Same`](crate::layers::Same) makes `H` = height / `STRIDE`, rounded up
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MaxPool2d<H, W, const WINDOW: usize, const STRIDE: usize, P = Valid> {
    output: (H, W),
    padding: PhantomData<P>,
}

/// Buffers of a [`MaxPool2d`].
#[derive(Clone, Debug)]
pub struct MaxPool2dTape<E> {
    windows: Windows,
    y: Vec<E>,
    dx: Vec<E>,
    /// Which value of its window each output is.
    taken: Vec<u32>,
}

impl<H: Size, W: Size, const WINDOW: usize, const STRIDE: usize, P: Padding>
    MaxPool2d<H, W, WINDOW, STRIDE, P>
{
    /// A pooling to maps of `output` (height, width).
    pub fn new(output: (H, W)) -> Self {
        MaxPool2d { output, padding: PhantomData }
    }
}

impl<H, W, C, HIn, WIn, const WINDOW: usize, const STRIDE: usize, P> Layer<(usize, HIn, WIn, C)>
    for MaxPool2d<H, W, WINDOW, STRIDE, P>
where
    H: Size,
    W: Size,
    C: Size,
    HIn: Size,
    WIn: Size,
    P: Padding,
{
    type Out = (usize, H, W, C);
    type Tape<E: Scalar> = MaxPool2dTape<E>;

    fn output_shape(&self, (batch, height, width, channels): (usize, HIn, WIn, C)) -> Self::Out {
        const {
            expect("the pooling's output height", H::STATIC, output_length::<P>(HIn::STATIC, WINDOW, STRIDE));
            expect("the pooling's output width", W::STATIC, output_length::<P>(WIn::STATIC, WINDOW, STRIDE));
        }
        let (h, w) = self.output;
        let length = |input: usize| output_length::<P>(Some(input), WINDOW, STRIDE);
        expect("the pooling's output height", Some(h.size()), length(height.size()));
        expect("the pooling's output width", Some(w.size()), length(width.size()));
        (batch, h, w, channels)
    }

    fn describe(&self, input: (usize, HIn, WIn, C)) -> Vec<LayerDescription> {
        let name = format!("MaxPool2d {WINDOW}x{WINDOW}, stride {STRIDE}, {}", P::NAME);
        vec![LayerDescription::new(name, self.output_shape(input))]
    }

    fn tape<E: Scalar>(&self, input: (usize, HIn, WIn, C)) -> MaxPool2dTape<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let map = [input.1.size(), input.2.size(), c.size()];
        let output = [h.size(), w.size()];
        let len = batch * output[0] * output[1] * map[2];
        MaxPool2dTape {
            windows: Windows::new::<P>(map, WINDOW, STRIDE, output),
            y: vec![E::ZERO; len],
            dx: vec![E::ZERO; batch * map.iter().product::<usize>()],
            taken: vec![0; len],
        }
    }

    fn forward<'t, E: Scalar>(
        &self,
        _: Weights<'_, E>,
        x: &'t [E],
        tape: &'t mut MaxPool2dTape<E>,
    ) -> &'t [E] {
        let MaxPool2dTape { windows, y, taken, .. } = tape;
        let channels = windows.channels();
        let y_len = windows.output[0] * windows.output[1] * channels;
        let of_samples = (Of(x, windows.map_len()), Of(&mut y[..], y_len), Of(&mut taken[..], y_len));
        share(16 * x.len(), of_samples, |(Of(x, _), Of(y, _), Of(taken, _))| {
            y.fill(E::NEG_INFINITY);
            taken.fill(u32::MAX);
            let rows = y.len() / (windows.output[1] * channels);
            vectorised(
                #[inline(always)]
                || {
                    windows.each_run(0..rows, |run| {
                        let place = run.window * channels..(run.window + 1) * channels;
                        let (y, taken) = (&mut y[place.clone()], &mut taken[place]);
                        let numbers = windows.numbers(&run);
                        for (x, number) in x[run.pixels].chunks_exact(channels).zip(numbers) {
                            for ((y, taken), &x) in y.iter_mut().zip(&mut *taken).zip(x) {
                                #[allow(clippy::eq_op)] // True of what is not a number alone.
                                let larger = (x > *y) | (x != x);
                                *y = if larger { x } else { *y };
                                *taken = if larger { number } else { *taken };
                            }
                        }
                    });
                },
            );
        });
        &tape.y
    }

    fn output<'t, E: Scalar>(&self, _: &'t [E], tape: &'t MaxPool2dTape<E>) -> &'t [E] {
        &tape.y
    }

    fn backward<'t, E: Scalar>(
        &self,
        _: Weights<'_, E>,
        _: &[E],
        dy: &'t [E],
        tape: &'t mut MaxPool2dTape<E>,
        _: &mut [E],
        wants_dx: bool,
    ) -> &'t [E] {
        let MaxPool2dTape { windows, dx, taken, .. } = tape;
        if wants_dx {
            let channels = windows.channels();
            let dy_len = windows.output[0] * windows.output[1] * channels;
            let of_samples = (Of(&mut dx[..], windows.map_len()), Of(dy, dy_len), Of(&taken[..], dy_len));
            let work = 16 * windows.map_len() * (dy.len() / dy_len.max(1));
            share(work, of_samples, |(Of(dx, _), Of(dy, _), Of(taken, _))| {
                dx.fill(E::ZERO);
                let rows = dy.len() / (windows.output[1] * channels);
                vectorised(
                    #[inline(always)]
                    || {
                        windows.each_run(0..rows, |run| {
                            let place = run.window * channels..(run.window + 1) * channels;
                            let (dy, taken) = (&dy[place.clone()], &taken[place]);
                            let numbers = windows.numbers(&run);
                            for (dx, number) in dx[run.pixels].chunks_exact_mut(channels).zip(numbers) {
                                for ((dx, &dy), &taken) in dx.iter_mut().zip(dy).zip(taken) {
                                    *dx += if taken == number { dy } else { E::ZERO };
                                }
                            }
                        });
                    },
                );
            });
        }
        &tape.dx
    }

    /// Position by position, channel by channel: the channels stay what they are.
    fn inspect<E: Scalar>(&self, _: &[E], _: &MaxPool2dTape<E>, _: &mut Inspection) {}
}
