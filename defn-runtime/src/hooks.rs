//! Who looks at the values that `inspect!` shows, while the function runs.
//!
//! ```text
//! Hooks::new().on("loss", |value| …).run(|| train(&x))
//!
//! train, in machine code -> call -> show -> the innermost hook of that label, or the standard error
//! ```
//!
//! Hooks belong to the thread that runs them: what is called on other threads meanwhile is printed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{self, Debug, Display};
use std::mem;
use std::rc::Rc;

use crate::abi::Inspect;
use crate::call::Elements;
use crate::element::{Element, ElementKind};
use crate::error::{Error, UnknownHook};
use crate::tensor::{Tensor, contiguous};

/// A value that `inspect!` shows.
#[derive(Clone, Copy)]
pub struct Inspected<'v> {
    inspect: &'static Inspect,
    shape: &'v [usize],
    elements: Elements<'v>,
}

impl<'v> Inspected<'v> {
    pub(crate) fn new(
        inspect: &'static Inspect,
        shape: &'v [usize],
        elements: Elements<'v>,
    ) -> Self {
        Self { inspect, shape, elements }
    }

    /// The label; of a container or a tuple, with the path of the tensor: `params.l1.w`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.inspect.label
    }

    /// The function in which the `inspect!` stands.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.inspect.spot.function
    }

    /// The file in which it stands.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.inspect.spot.file
    }

    /// The line on which it stands.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.inspect.spot.line
    }

    /// The element type.
    #[must_use]
    pub fn element(&self) -> ElementKind {
        self.inspect.leaf.element
    }

    /// The extent of each axis.
    #[must_use]
    pub fn shape(&self) -> &'v [usize] {
        self.shape
    }

    /// The name of each axis; empty for one that has none.
    pub fn axes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.inspect.leaf.axes.iter().map(|axis| axis.name)
    }

    /// All elements in row-major order, if they are of this type.
    #[must_use]
    pub fn as_slice<E: Element>(&self) -> Option<&'v [E]> {
        self.elements.as_slice()
    }

    /// The element, if it is one alone of this type.
    #[must_use]
    pub fn to_scalar<E: Element>(&self) -> Option<E> {
        match self.as_slice()? {
            [only] if self.shape.is_empty() => Some(*only),
            _ => None,
        }
    }

    /// A copy, if it has this element type and rank.
    #[must_use]
    pub fn to_tensor<E: Element, const RANK: usize>(&self) -> Option<Tensor<E, RANK>> {
        let shape = <[usize; RANK]>::try_from(self.shape).ok()?;
        Tensor::from_slice(shape, self.as_slice()?).ok()
    }

    /// The value as its tensor prints.
    fn text(&self) -> String {
        fn of<E: Element>(shown: &Inspected<'_>) -> String {
            shown.as_slice::<E>().map(|it| contiguous(shown.shape, it)).unwrap_or_default()
        }
        match self.element() {
            ElementKind::F32 => of::<f32>(self),
            ElementKind::F64 => of::<f64>(self),
            ElementKind::F16 => of::<half::f16>(self),
            ElementKind::Bf16 => of::<half::bf16>(self),
            ElementKind::I32 => of::<i32>(self),
            ElementKind::I64 => of::<i64>(self),
            ElementKind::U8 => of::<u8>(self),
            ElementKind::U32 => of::<u32>(self),
            ElementKind::U64 => of::<u64>(self),
            ElementKind::Bool => of::<bool>(self),
        }
    }
}

/// Where it stands and what it is, and below the value:
///
/// ```text
/// score: f32[query 2, key 3], in `attention` at src/lib.rs:12
/// [[1.  0.5 0. ]
///  [0.  1.  0.5]]
/// ```
impl Display for Inspected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> = self
            .axes()
            .zip(self.shape)
            .map(|(name, extent)| format!("{name} {extent}").trim_start().to_owned())
            .collect();
        let shape = if axes.is_empty() { String::new() } else { format!("[{}]", axes.join(", ")) };
        let (label, element, function) = (self.label(), self.element(), self.function());
        let place = format!("in `{function}` at {}:{}", self.file(), self.line());
        write!(f, "{label}: {element}{shape}, {place}\n{}", self.text())
    }
}

impl Debug for Inspected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Who looks at values of which label.
///
/// A function shows its values in the order of the program: in a loop once for each round, in a branch if that is taken.
/// A value that nobody looks at is printed to the standard error.
///
/// # Examples
/// A hook borrows what it likes, and is called on the thread that calls the function; `docs/debugging.md` has more.
///
/// ```text
/// let mut losses = Vec::new();
/// Hooks::new().on("loss", |loss| losses.extend(loss.to_scalar::<f32>())).run(|| train(&x));
/// ```
#[derive(Default)]
pub struct Hooks<'h> {
    hooks: Vec<(String, Hook<'h>)>,
}

type Hook<'h> = Rc<RefCell<dyn FnMut(&Inspected<'_>) + 'h>>;

impl<'h> Hooks<'h> {
    /// Nobody looks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The hook is called with every value of this label, or of a part of the container that has it. Of several the last counts.
    #[must_use]
    pub fn on(mut self, label: &str, hook: impl FnMut(&Inspected<'_>) + 'h) -> Self {
        self.hooks.push((label.to_owned(), Rc::new(RefCell::new(hook))));
        self
    }

    /// Runs `body`, in which the hooks are called for what functions show on this thread.
    ///
    /// Inside of another `run`, what these hooks do not look at goes to those around. A hook that calls functions itself is not
    /// called for what those show. What a hook throws is thrown by the call that it looked at, once the code has ended.
    ///
    /// # Panics
    /// As [`try_run`](Self::try_run) fails.
    #[track_caller]
    pub fn run<R>(self, body: impl FnOnce() -> R) -> R {
        match self.try_run(body) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`run`](Self::run).
    ///
    /// # Errors
    /// If functions with values to look at were called, and none of them has the label of some hook: it is misspelled.
    pub fn try_run<R>(self, body: impl FnOnce() -> R) -> Result<R, Error> {
        let labels: Vec<String> = self.hooks.iter().map(|(label, _)| label.clone()).collect();
        let scope = Scope::enter(self.hooks);
        let value = body();
        let known = scope.leave();
        let is_unknown = |label: &&String| !known.iter().any(|shown| is_of(shown, label));
        match labels.iter().find(is_unknown).filter(|_| !known.is_empty()) {
            None => Ok(value),
            Some(label) => Err(Error::UnknownHook(Box::new(UnknownHook {
                label: label.clone(),
                known: known.into_iter().collect(),
            }))),
        }
    }
}

impl Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hooks.iter().map(|(label, _)| label)).finish()
    }
}

/// Whether a value is shown under a label, or is a part of what is.
fn is_of(shown: &str, label: &str) -> bool {
    shown.strip_prefix(label).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The hooks of one `run`.
struct Frame {
    hooks: Vec<(String, Hook<'static>)>,
    /// The labels of the functions that were called.
    known: BTreeSet<&'static str>,
}

thread_local! {
    /// The runs that this thread is in, the innermost last.
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Takes the hooks back when it ends, however that comes.
struct Scope {
    /// How many runs are around.
    depth: usize,
}

impl Scope {
    fn enter(hooks: Vec<(String, Hook<'_>)>) -> Self {
        let forever = |hook: Hook<'_>| {
            // SAFETY: only the lifetime differs. The frame is private to this module, which hands out no hook and keeps a copy
            // only while it calls it; the scope removes the frame before the lifetime ends, since `try_run` holds it on its stack.
            unsafe { mem::transmute::<Hook<'_>, Hook<'static>>(hook) }
        };
        let hooks = hooks.into_iter().map(|(label, hook)| (label, forever(hook))).collect();
        FRAMES.with_borrow_mut(|frames| {
            frames.push(Frame { hooks, known: BTreeSet::new() });
            Self { depth: frames.len() - 1 }
        })
    }

    /// The labels of the functions that were called.
    fn leave(self) -> BTreeSet<&'static str> {
        FRAMES.with_borrow_mut(|frames| mem::take(&mut frames[self.depth].known))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // What hooks own may call functions when it is dropped, so it goes when nothing is borrowed.
        let frames = FRAMES.with_borrow_mut(|frames| frames.split_off(self.depth));
        drop(frames);
    }
}

/// Notes that a function is called that shows these values.
pub(crate) fn called(inspects: &'static [Inspect]) {
    // During the end of a thread there are no hooks.
    let _ = FRAMES.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        for frame in frames.iter_mut() {
            frame.known.extend(inspects.iter().map(|inspect| inspect.label));
        }
    });
}

/// Hands a value to the innermost hook that looks at it and is not running, or prints it.
pub(crate) fn show(value: &Inspected<'_>) {
    let looks = |(label, hook): &&(String, Hook<'static>)| {
        is_of(value.label(), label) && hook.try_borrow_mut().is_ok()
    };
    let find = |frames: &RefCell<Vec<Frame>>| {
        let frames = frames.borrow();
        let mut hooks = frames.iter().rev().flat_map(|frame| frame.hooks.iter().rev());
        hooks.find(looks).map(|(_, hook)| Rc::clone(hook))
    };
    match FRAMES.try_with(find).ok().flatten() {
        Some(hook) => (hook.borrow_mut())(value),
        None => print(value),
    }
}

#[expect(clippy::print_stderr, reason = "this is what `inspect!` is for, and tests capture it")]
fn print(value: &Inspected<'_>) {
    eprintln!("{value}");
}
