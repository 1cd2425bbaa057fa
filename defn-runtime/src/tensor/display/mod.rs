//! Tensors as text, in the layout of NumPy.
//!
//! `{}` prints what `print(array)` prints, and `{:?}` what `repr(array)` prints, with `tensor` for `array` and the element type by its Rust name.
//! `{:.3}` prints at most three digits after the point instead of eight.
//! A tensor on a device prints as what it is and where: `f32[2, 3] on cuda:0`.
//! Of a tensor with more than 1000 elements only three positions at each end of an axis are shown.
//!
//! ```text
//! [[ 1.   2.5]
//!  [-3.  inf ]]
//! ```

mod number;

use std::fmt::{self, Debug, Display};

use crate::element::{Element, Value};
use crate::tensor::Tensor;
use number::Format;

/// How many columns a line may have.
const LINE: usize = 75;
/// A tensor with more elements than this is shown by its edges.
const THRESHOLD: usize = 1000;
/// How many positions are shown at each end of an axis.
const EDGE: usize = 3;
/// How many digits after the point are shown at most.
const PRECISION: usize = 8;

impl<E: Element, const RANK: usize> Display for Tensor<E, RANK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(remote) = self.storage.remote() {
            return write!(f, "{}{:?} on {}", E::KIND, self.shape, remote.gpu());
        }
        match f.precision() {
            None if RANK == 0 => f.write_str(&number::scalar(self[[0; RANK]].value())),
            precision => {
                let all = Elements { shape: &self.shape, value: &|index| self.value_at(index) };
                f.write_str(&text(&all, " ", 0, precision.unwrap_or(PRECISION)))
            }
        }
    }
}

impl<E: Element, const RANK: usize> Debug for Tensor<E, RANK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.storage.remote().is_some() {
            return write!(f, "tensor({self})");
        }
        let prefix = "tensor(";
        let all = Elements { shape: &self.shape, value: &|index| self.value_at(index) };
        let elements = text(&all, ", ", prefix.len(), f.precision().unwrap_or(PRECISION));
        let mut extras = String::new();
        if (self.is_empty() && RANK > 1) || self.len() > THRESHOLD {
            extras = format!("shape={:?}, ", self.shape);
        }
        extras.push_str(E::KIND.name());
        let last_line =
            prefix.len() * usize::from(!elements.contains('\n')) + last_line(&elements) + 1;
        let spacer = if last_line + extras.len() + 2 > LINE { "\n       " } else { " " };
        write!(f, "{prefix}{elements},{spacer}{extras})")
    }
}

impl<E: Element, const RANK: usize> Tensor<E, RANK> {
    fn value_at(&self, index: &[usize]) -> Value {
        let mut place = [0; RANK];
        place.copy_from_slice(index);
        self[place].value()
    }
}

/// What stands at every index of a shape.
struct Elements<'e> {
    shape: &'e [usize],
    value: &'e dyn Fn(&[usize]) -> Value,
}

/// The text of contiguous elements, as `{}` of the tensor has it.
pub(crate) fn contiguous<E: Element>(shape: &[usize], elements: &[E]) -> String {
    if let ([], [only]) = (shape, elements) {
        return number::scalar(only.value());
    }
    let place = |index: &[usize]| {
        index.iter().zip(shape).fold(0, |place, (index, extent)| place * extent + index)
    };
    let all = Elements { shape, value: &|index| elements[place(index)].value() };
    text(&all, " ", 0, PRECISION)
}

fn last_line(text: &str) -> usize {
    text.len() - text.rfind('\n').map_or(0, |end| end + 1)
}

/// The elements in brackets, with `indent` columns left free before every line but the first.
fn text(all: &Elements<'_>, separator: &str, indent: usize, precision: usize) -> String {
    let length: usize = all.shape.iter().product();
    if length == 0 {
        return "[]".to_owned();
    }
    let summarised = length > THRESHOLD;
    let shown: Vec<_> = all.shape.iter().map(|extent| positions(*extent, summarised)).collect();
    let mut values = Vec::new();
    collect(all, &shown, &mut Vec::new(), &mut values);
    let format = Format::new(&values, precision);
    let mut values = values.into_iter();
    let mut brackets = Brackets {
        shown: &shown,
        separator,
        word: &mut || values.next().map_or_else(String::new, |value| format.print(value)),
    };
    let text = brackets.print(0, &" ".repeat(indent + 1), LINE);
    if all.shape.is_empty() { text.trim_start().to_owned() } else { text }
}

/// The positions of an axis that are shown; `None` stands for those left out.
fn positions(extent: usize, summarised: bool) -> Vec<Option<usize>> {
    if !summarised || extent <= 2 * EDGE {
        return (0..extent).map(Some).collect();
    }
    let head = (0..EDGE).map(Some);
    let tail = (extent - EDGE..extent).map(Some);
    head.chain([None]).chain(tail).collect()
}

/// Appends the values at the shown positions of the axes behind those of `index`.
fn collect(
    all: &Elements<'_>,
    shown: &[Vec<Option<usize>>],
    index: &mut Vec<usize>,
    values: &mut Vec<Value>,
) {
    let Some(positions) = shown.get(index.len()) else {
        values.push((all.value)(index));
        return;
    };
    for position in positions.iter().flatten() {
        index.push(*position);
        collect(all, shown, index, values);
        index.pop();
    }
}

/// Lays words out in nested brackets, asking for them in row-major order.
struct Brackets<'a> {
    shown: &'a [Vec<Option<usize>>],
    separator: &'a str,
    word: &'a mut dyn FnMut() -> String,
}

impl Brackets<'_> {
    /// The axes from `axis` on, where a line begins with `indent` and has `width` columns.
    fn print(&mut self, axis: usize, indent: &str, width: usize) -> String {
        let Some(shown) = self.shown.get(axis) else { return (self.word)() };
        let inner = match self.shown.len() - axis {
            1 => self.row(shown, indent, width),
            left => self.rows(axis, left, indent, width),
        };
        format!("[{}]", &inner[indent.len()..])
    }

    /// The words of the last axis, broken into lines.
    fn row(&mut self, shown: &[Option<usize>], indent: &str, width: usize) -> String {
        let width = width - self.separator.trim_end().len().max(1);
        let (mut done, mut line) = (String::new(), indent.to_owned());
        for (count, position) in shown.iter().enumerate() {
            if count > 0 {
                line.push_str(self.separator);
            }
            let word = position.map_or_else(|| "...".to_owned(), |_| (self.word)());
            // A line that has nothing yet is not broken, because that would not help.
            if line.len() + word.len() > width && line.len() > indent.len() {
                done.push_str(line.trim_end());
                done.push('\n');
                line = indent.to_owned();
            }
            line.push_str(&word);
        }
        done + &line
    }

    /// The brackets of an outer axis, with `left - 1` line ends between them.
    fn rows(&mut self, axis: usize, left: usize, indent: &str, width: usize) -> String {
        let between = self.separator.trim_end().to_owned() + &"\n".repeat(left - 1);
        let deeper = format!("{indent} ");
        let shown = self.shown;
        let rows = shown[axis].iter().map(|position| match position {
            Some(_) => indent.to_owned() + &self.print(axis + 1, &deeper, width - 1),
            None => format!("{indent}..."),
        });
        rows.collect::<Vec<_>>().join(&between)
    }
}

#[cfg(test)]
mod tests;
