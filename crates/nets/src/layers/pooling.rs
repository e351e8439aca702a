//! Max pooling.

#[cfg(feature = "burn")]
mod device;

use crate::kernels::parallel::{Rows, parallel_chunks};
use crate::kernels::vectorised;
use crate::layer::y_and_dx;
use crate::layers::padding::{Padding, Valid, Window, Windows, output_length};
use crate::size::expect;
use crate::{Backward, Inspection, Layer, LayerDescription, Scalar, Size, Weights};
use std::marker::PhantomData;

/// Channels that are compared at once.
const LANES: usize = 16;

/// 2D max pooling, per channel, over square windows of side `WINDOW` with stride `STRIDE`.
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
pub struct MaxPool2dWorkspace<E> {
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

/// The largest values of a window in the maps `x`, of `N` channels from `channel` on, and their numbers in the window.
#[inline(always)]
fn largest<E: Scalar, const N: usize>(
    windows: &Windows,
    window: &Window,
    x: &[E],
    channel: usize,
) -> ([E; N], [u32; N]) {
    let (mut most, mut taken) = ([E::NEG_INFINITY; N], [u32::MAX; N]);
    windows.each_pixel(
        window,
        #[inline(always)]
        |pixel, number| {
            let x = &x[pixel * windows.channels() + channel..][..N];
            for lane in 0..N {
                #[allow(clippy::eq_op)] // True of what is not a number alone.
                let larger = (x[lane] > most[lane]) | (x[lane] != x[lane]);
                most[lane] = if larger { x[lane] } else { most[lane] };
                taken[lane] = if larger { number } else { taken[lane] };
            }
        },
    );
    (most, taken)
}

/// Adds the gradients of a window's largest values to those values', of `N` channels from `channel` on.
#[inline(always)]
fn add_to_largest<E: Scalar, const N: usize>(
    dx: &mut [E],
    windows: &Windows,
    window: &Window,
    channel: usize,
    (&dy, &taken): (&[E; N], &[u32; N]),
) {
    windows.each_pixel(
        window,
        #[inline(always)]
        |pixel, number| {
            let dx = &mut dx[pixel * windows.channels() + channel..][..N];
            let mut sum: [E; N] = std::array::from_fn(|lane| dx[lane]);
            for lane in 0..N {
                sum[lane] += if taken[lane] == number { dy[lane] } else { E::ZERO };
            }
            dx.copy_from_slice(&sum);
        },
    );
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
    type Workspace<E: Scalar> = MaxPool2dWorkspace<E>;

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

    fn workspace<E: Scalar>(&self, input: (usize, HIn, WIn, C)) -> MaxPool2dWorkspace<E> {
        let (batch, h, w, c) = self.output_shape(input);
        let map = [input.1.size(), input.2.size(), c.size()];
        let output = [h.size(), w.size()];
        let len = batch * output[0] * output[1] * map[2];
        MaxPool2dWorkspace {
            windows: Windows::new::<P>(map, WINDOW, STRIDE, output),
            y: vec![E::ZERO; len],
            dx: vec![E::ZERO; batch * map.iter().product::<usize>()],
            taken: vec![0; len],
        }
    }

    fn forward_into<E: Scalar>(&self, _: Weights<E>, x: &[E], workspace: &mut Self::Workspace<E>) {
        let MaxPool2dWorkspace { windows, y, taken, .. } = workspace;
        let channels = windows.channels();
        let y_len = windows.output[0] * windows.output[1] * channels;
        let of_samples = (Rows(x, windows.map_len()), Rows(&mut y[..], y_len), Rows(&mut taken[..], y_len));
        parallel_chunks(16 * x.len(), of_samples, |(Rows(x, _), Rows(y, _), Rows(taken, _))| {
            let rows = y.len() / (windows.output[1] * channels);
            vectorised(
                #[inline(always)]
                || {
                    windows.each(
                        0..rows,
                        #[inline(always)]
                        |window| {
                            let place = window.number * channels..(window.number + 1) * channels;
                            let (y, taken) = (&mut y[place.clone()], &mut taken[place]);
                            let (blocks, rest) = y.as_chunks_mut::<LANES>();
                            let (taken_of_blocks, taken_of_rest) = taken.as_chunks_mut::<LANES>();
                            for (block, (y, taken)) in blocks.iter_mut().zip(taken_of_blocks).enumerate() {
                                (*y, *taken) = largest(windows, &window, x, block * LANES);
                            }
                            let start = channels - rest.len();
                            for (i, (y, taken)) in rest.iter_mut().zip(taken_of_rest).enumerate() {
                                ([*y], [*taken]) = largest(windows, &window, x, start + i);
                            }
                        },
                    );
                },
            );
        });
    }

    y_and_dx!();

    fn backward_into<E: Scalar>(&self, pass: Backward<E>, workspace: &mut Self::Workspace<E>) {
        let Backward { dy, wants_dx, .. } = pass;
        let MaxPool2dWorkspace { windows, dx, taken, .. } = workspace;
        if wants_dx {
            let channels = windows.channels();
            let dy_len = windows.output[0] * windows.output[1] * channels;
            let of_samples =
                (Rows(&mut dx[..], windows.map_len()), Rows(dy, dy_len), Rows(&taken[..], dy_len));
            let work = 16 * windows.map_len() * (dy.len() / dy_len.max(1));
            parallel_chunks(work, of_samples, |(Rows(dx, _), Rows(dy, _), Rows(taken, _))| {
                dx.fill(E::ZERO);
                let rows = dy.len() / (windows.output[1] * channels);
                vectorised(
                    #[inline(always)]
                    || {
                        windows.each(
                            0..rows,
                            #[inline(always)]
                            |window| {
                                let place = window.number * channels..(window.number + 1) * channels;
                                let (dy, rest) = dy[place.clone()].as_chunks::<LANES>();
                                let (taken, taken_of_rest) = taken[place].as_chunks::<LANES>();
                                for (block, (dy, taken)) in dy.iter().zip(taken).enumerate() {
                                    add_to_largest(dx, windows, &window, block * LANES, (dy, taken));
                                }
                                let start = channels - rest.len();
                                for (i, (&dy, &taken)) in rest.iter().zip(taken_of_rest).enumerate() {
                                    add_to_largest(dx, windows, &window, start + i, (&[dy], &[taken]));
                                }
                            },
                        );
                    },
                );
            });
        }
    }

    /// Position by position, channel by channel: the channels stay what they are.
    fn inspect<E: Scalar>(&self, _: &[E], _: &MaxPool2dWorkspace<E>, _: &mut Inspection) {}
}
