//! The border to the compiler: two functions and what passes through them.
//!
//! In:  a surface, and the surfaces of all that it mentions.
//! Out: mistakes at the user's tokens, or code with the description of how it is called.
//!
//! [`check`] runs in every build; [`emit`] only where machine code is wanted, and not at all if the cache has the code.
//! Both see no tokens: `embed/` turns what leaves into Rust.

use crate::{
    device::Device,
    invocation,
    report::Mistake,
    resolve::{self, Mode, Tested},
    surface::{Constant, Function, Options, Request, Struct, TypeAlias},
    text::Callee,
    uid,
};
use defn_codegen::{
    artifact::Suspect,
    compile::{compile, plan},
    diagnostic::catalogue::{self, CallMistake},
    graph::{Atom, Callable, Dim, Relation, TensorType, solve},
    program::Plan,
};
use proc_macro2::Span;
use std::{collections::BTreeSet, rc::Rc};

/// What is compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'s> {
    /// `#[defn] fn`.
    Function(&'s Function),
    /// `#[defn] struct`: only checked.
    Struct(&'s Struct),
    /// `#[defn] const`: only checked.
    Constant(&'s Constant),
    /// `#[defn] type`: only checked.
    Alias(&'s TypeAlias),
    /// `grad!(f)` in ordinary Rust.
    Request(&'s Request),
}

/// Code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Emitted {
    /// What was fused, planned and vectorized, for people.
    pub(crate) explanation: String,
    /// One, or one for each choice of the element parameters.
    /// The first parameter varies fastest, and the choices stand in the order of `Float::FLOAT`.
    pub(crate) instances: Vec<Instance>,
}

/// The code of one choice of element types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instance {
    /// How Rust calls it.
    pub(crate) signature: Signature,
    /// Bytes of scratch memory, in the words of [`Signature`]'s extents.
    pub(crate) workspace: Vec<i64>,
    /// Bytes of it for each thread.
    pub(crate) private: Vec<i64>,
    /// What must hold on entry: also what the bodies of callees ask for, which only the whole program knows.
    pub(crate) checks: Vec<Check>,
    /// Whether there are hooks, so that the code takes two more addresses, even if none of them is left.
    pub(crate) has_hooks: bool,
    /// What `check!` says, by the number of the condition.
    pub(crate) conditions: Vec<Hook>,
    /// What `inspect!` shows, in the order of the code's numbers.
    pub(crate) inspects: Vec<(Hook, Leaf)>,
    /// Best first.
    pub(crate) levels: Vec<Level>,
    /// The code for GPUs, if it is wanted.
    pub(crate) devices: Vec<Device>,
}

/// An `inspect!` or a `check!`, and how its definition is reached from what is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hook {
    /// The positions among the callees, from the outermost on.
    pub(crate) path: Vec<usize>,
    /// Which one of the definition.
    pub(crate) position: usize,
    /// The name of the definition.
    pub(crate) function: String,
    /// The label or the message.
    pub(crate) text: String,
    /// File and line, which code does not depend on: it is looked up when the code is embedded.
    pub(crate) place: (String, u32),
}

/// The code for one level of the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// The variant of the runtime's `Level`, such as `V3`.
    pub(crate) name: String,
    /// The body of a naked function, for the assembler.
    pub(crate) assembly: String,
}

/// What a function takes, returns and requires, in the words of the runtime's `abi.rs`; extents are its postfix words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The name that errors show.
    pub(crate) name: String,
    /// The names of the symbols.
    pub(crate) symbols: Vec<String>,
    /// The leaves of the parameters.
    pub(crate) parameters: Vec<Leaf>,
    /// The leaves of the results.
    pub(crate) results: Vec<Leaf>,
    /// How symbols are found, in order.
    pub(crate) solves: Vec<Solve>,
}

/// One tensor of a parameter or of a result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Such as `p.l1.w`.
    pub(crate) path: String,
    /// The variant of the runtime's `ElementKind`, such as `F32`.
    pub(crate) element: String,
    /// Its axes.
    pub(crate) axes: Vec<Axis>,
}

/// One axis of a leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Its name, or nothing.
    pub(crate) name: String,
    /// The extent as the user wrote it.
    pub(crate) text: String,
    /// The extent.
    pub(crate) extent: Vec<i64>,
}

/// How to find a symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Solve {
    /// The symbol.
    pub(crate) symbol: usize,
    /// The leaf among the parameters.
    pub(crate) leaf: usize,
    /// The axis; none if the leaf is a `usize` parameter.
    pub(crate) axis: Option<usize>,
    /// What the symbol is multiplied with.
    pub(crate) factor: i64,
    /// What is added to the product.
    pub(crate) rest: Vec<i64>,
}

/// What must hold between extents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    /// The variant of the runtime's `CheckKind`: `Equal`, `AtMost`, `Divides`.
    pub(crate) kind: String,
    /// The left side.
    pub(crate) left: Vec<i64>,
    /// The right side.
    pub(crate) right: Vec<i64>,
    /// The condition in the user's words.
    pub(crate) text: String,
}

impl Subject<'_> {
    /// Whether NaNs are hunted: then nothing is kept, because every line matters.
    pub(crate) fn hunts(&self, callees: &[Rc<Callee>]) -> bool {
        self.is_told(callees, |options| options.nan_hunt)
    }

    /// Whether the options of a function say so; those of a request are its function's.
    fn is_told(&self, callees: &[Rc<Callee>], told: fn(&Options) -> bool) -> bool {
        match self {
            Self::Function(function) => told(&function.options),
            Self::Request(request) => {
                let target = callees.get(request.function().1.0);
                target.is_some_and(|callee| told(callee.definition.options()))
            }
            Self::Struct(_) | Self::Constant(_) | Self::Alias(_) => false,
        }
    }
}

/// Finds every mistake; without one, the subject can be compiled.
pub(crate) fn check(subject: &Subject<'_>, callees: &[Rc<Callee>]) -> Result<(), Vec<Mistake>> {
    match subject {
        Subject::Function(function) => resolve::resolve(function, callees, Mode::Check)?,
        Subject::Request(request) => resolve::request(request, callees, Mode::Check)?,
        Subject::Struct(container) => return resolve::container(container, callees),
        Subject::Constant(constant) => return resolve::constant(constant, callees),
        Subject::Alias(alias) => return resolve::alias(alias, callees),
    };
    // Where code is wanted, `emit` tells.
    let budget = Budget::of(subject, callees).filter(|_| !invocation::get().wants_code);
    let Some(budget) = budget else { return Ok(()) };
    let resolved = whole(subject, callees)?;
    resolved.instances.iter().try_for_each(|instance| budget.plan(instance).map(drop))
}

/// The parameters of a function whose rules are tested; nothing if they are not.
pub(crate) fn tested(
    function: &Function,
    callees: &[Rc<Callee>],
) -> Result<Option<Vec<Tested>>, Vec<Mistake>> {
    let Some(test) = &function.options.test else { return Ok(None) };
    let instances = resolve::resolve(function, callees, Mode::Check)?.instances;
    let Some(instance) = instances.first() else { return Ok(None) };
    resolve::tested(&instance.signature, &test.given).map(Some)
}

/// How much scratch a call may need.
struct Budget {
    bytes: u64,
    /// Where to tell that it does not suffice.
    span: Span,
}

impl Budget {
    /// That of a function, or of the function that a request is about.
    fn of(subject: &Subject<'_>, callees: &[Rc<Callee>]) -> Option<Self> {
        match subject {
            Subject::Function(function) => {
                function.options.memory.map(|(bytes, span)| Self { bytes, span })
            }
            Subject::Request(request) => {
                let (path, callee) = request.function();
                let options = callees.get(callee.0)?.definition.options();
                options.memory.map(|(bytes, _)| Self { bytes, span: path.span() })
            }
            Subject::Struct(_) | Subject::Constant(_) | Subject::Alias(_) => None,
        }
    }

    fn limit(&self) -> i64 {
        i64::try_from(self.bytes).unwrap_or(i64::MAX)
    }

    /// What derivatives have to compute again.
    fn plan(&self, instance: &resolve::Instance) -> Result<Plan, Vec<Mistake>> {
        let options = invocation::get().options();
        plan(&instance.program, &options, self.limit()).map_err(|least| {
            let mistake = CallMistake::MemoryBudget { budget: self.bytes, least };
            let message = catalogue::Mistake::from(mistake).message();
            vec![Mistake { message, span: self.span }]
        })
    }

    /// What a call asks where only the call knows the extents.
    fn check(&self, workspace: &Dim, private: &Dim) -> Option<Check> {
        let need = workspace.clone() + private.clone();
        let text = format!(
            "the workspace (left, in bytes) must not exceed `memory = {}` (right)",
            self.bytes
        );
        let right = vec![CONSTANT, self.limit()];
        let check = Check { kind: "AtMost".to_owned(), left: words(&need), right, text };
        need.as_constant().is_none().then_some(check)
    }
}

/// A subject with all that it calls.
fn whole(subject: &Subject<'_>, callees: &[Rc<Callee>]) -> Result<resolve::Resolved, Vec<Mistake>> {
    match subject {
        Subject::Function(function) => resolve::resolve(function, callees, Mode::Emit),
        Subject::Request(request) => resolve::request(request, callees, Mode::Emit),
        Subject::Struct(_) | Subject::Constant(_) | Subject::Alias(_) => {
            Ok(resolve::Resolved { instances: Vec::new() })
        }
    }
}

/// Compiles; what comes back as an error is a limitation.
pub(crate) fn emit(subject: &Subject<'_>, callees: &[Rc<Callee>]) -> Result<Emitted, Vec<Mistake>> {
    let budget = Budget::of(subject, callees);
    let mut options = invocation::get().options();
    options.tf32 = subject.is_told(callees, |options| options.tf32);
    let mut emitted = Emitted::default();
    for mut instance in whole(subject, callees)?.instances {
        if let Some(budget) = &budget {
            instance.program.plan = budget.plan(&instance)?;
        }
        let (explanation, instance) =
            emit_instance(&instance, callees, (budget.as_ref(), &options))?;
        emitted.explanation.push_str(&explanation);
        emitted.instances.push(instance);
    }
    Ok(emitted)
}

fn emit_instance(
    instance: &resolve::Instance,
    callees: &[Rc<Callee>],
    (budget, options): (Option<&Budget>, &defn_codegen::options::Options),
) -> Result<(String, Instance), Vec<Mistake>> {
    let artifact = compile(&instance.program, options).map_err(|limitation| {
        let span = instance.origins.span(limitation.origin).unwrap_or_else(Span::call_site);
        vec![Mistake { message: limitation.to_string(), span }]
    })?;
    let checks = artifact.signature.checks.iter().map(|check| Check {
        kind: match check.relation {
            Relation::Equal => "Equal",
            Relation::AtMost => "AtMost",
            Relation::Divides => "Divides",
        }
        .to_owned(),
        left: words(&check.left),
        right: words(&check.right),
        text: check.text.clone(),
    });
    let budget = budget.and_then(|budget| budget.check(&artifact.workspace, &artifact.private));
    let levels = artifact.code.into_iter().map(|code| Level {
        name: match code.level {
            defn_codegen::options::Level::V3 => "V3",
            defn_codegen::options::Level::V4 => "V4",
            defn_codegen::options::Level::Neon => "Neon",
        }
        .to_owned(),
        assembly: code.assembly,
    });
    let (workspace, private) = (words(&artifact.workspace), words(&artifact.private));
    let symbols = &artifact.signature.symbols;
    let shown = artifact.inspects.iter().map(|(site, ty)| {
        let (hook, names) = &instance.hooks.shown[site.0 as usize];
        (self::hook(hook, callees), shown(ty, names, symbols))
    });
    let conditions = instance.hooks.conditions.iter().map(|hook| self::hook(hook, callees));
    let suspects = artifact.suspects.iter().map(|it| suspect(it, instance, callees));
    let instance = Instance {
        signature: signature(instance),
        workspace,
        private,
        checks: checks.chain(budget).collect(),
        has_hooks: artifact.has_status,
        conditions: conditions.chain(suspects).collect(),
        inspects: shown.collect(),
        levels: levels.collect(),
        devices: artifact.devices.into_iter().map(Device::of).collect(),
    };
    Ok((artifact.explanation, instance))
}

/// The positions among the callees by which a definition is reached.
fn way(
    callees: &[Rc<Callee>],
    uid: &str,
    seen: &mut BTreeSet<String>,
) -> Option<(Vec<usize>, Rc<Callee>)> {
    callees.iter().enumerate().find_map(|(position, callee)| {
        if callee.uid == uid {
            return Some((vec![position], Rc::clone(callee)));
        }
        let is_new = seen.insert(callee.uid.clone());
        let (below, found) = is_new.then(|| way(&callee.callees, uid, seen)).flatten()?;
        Some(([vec![position], below].concat(), found))
    })
}

/// What may have made the first NaN. Nobody keeps it, so that its place is known at once: of a callee, where that is defined.
fn suspect(suspect: &Suspect, instance: &resolve::Instance, callees: &[Rc<Callee>]) -> Hook {
    let own = &instance.signature.name;
    let (function, place) = match instance.origins.place(suspect.origin) {
        Some(resolve::Place::Token(span)) => {
            (own.clone(), Some((span.unwrap().file(), uid::line(*span))))
        }
        Some(resolve::Place::Callee { uid, name }) => {
            let found = way(callees, uid, &mut BTreeSet::new());
            let place = found.and_then(|(_, callee)| {
                let mut parts = callee.place.rsplitn(3, ':').skip(1);
                let line = parts.next()?.parse().ok()?;
                Some((parts.next()?.to_owned(), line))
            });
            (name.clone(), place)
        }
        None => (own.clone(), None),
    };
    let text = format!("`{}` makes a NaN", suspect.word);
    Hook { function, text, place: place.unwrap_or_default(), ..Hook::default() }
}

/// A hook, with the way to its definition.
fn hook(hook: &resolve::Hook, callees: &[Rc<Callee>]) -> Hook {
    let way = |uid: &String| way(callees, uid, &mut BTreeSet::new()).map(|(way, _)| way);
    Hook {
        path: hook.uid.as_ref().and_then(way).unwrap_or_default(),
        position: hook.id.0,
        function: hook.function.clone(),
        text: hook.text.clone(),
        place: Default::default(),
    }
}

impl Emitted {
    /// Looks up where hooks stand.
    pub(crate) fn locate(&mut self, subject: &Subject<'_>, callees: &[Rc<Callee>]) {
        for instance in &mut self.instances {
            let shown = instance.inspects.iter_mut().map(|(hook, _)| hook);
            for hook in instance.conditions.iter_mut().chain(shown) {
                if hook.place.0.is_empty() {
                    hook.place = place(hook, subject, callees).unwrap_or_default();
                }
            }
        }
    }
}

fn place(hook: &Hook, subject: &Subject<'_>, callees: &[Rc<Callee>]) -> Option<(String, u32)> {
    let Some((first, rest)) = hook.path.split_first() else {
        let Subject::Function(function) = subject else { return None };
        let span = function.hooks.get(hook.position)?;
        return Some((span.unwrap().file(), uid::line(*span)));
    };
    let below = |callee: &Rc<Callee>, next: &usize| callee.callees.get(*next).cloned();
    let callee =
        rest.iter().try_fold(Rc::clone(callees.get(*first)?), |it, next| below(&it, next))?;
    // `file:line:column`, of which the first may have colons too.
    let file = callee.place.rsplitn(3, ':').nth(2)?;
    Some((file.to_owned(), *callee.lines.get(hook.position)?))
}

/// What is shown: the axes that a map has put in front have no names.
fn shown(ty: &TensorType, names: &[Option<String>], symbols: &[String]) -> Leaf {
    let mapped = ty.shape.len().saturating_sub(names.len());
    let names = std::iter::repeat_n(&None, mapped).chain(names);
    let axes = names.zip(&ty.shape).map(|(name, extent)| Axis {
        name: name.clone().unwrap_or_default(),
        text: extent.display(symbols).to_string(),
        extent: words(extent),
    });
    Leaf { path: String::new(), element: format!("{:?}", ty.element), axes: axes.collect() }
}

/// The host's view of an instance.
fn signature(instance: &resolve::Instance) -> Signature {
    let typed = &instance.signature;
    let entry = instance.program.entry.as_ref().map(Callable::function);
    let solves = entry.map_or_else(Vec::new, |entry| {
        let graph = &instance.program.functions[entry];
        solve(graph.symbols.len(), &graph.parameters).unwrap_or_default()
    });
    let leaf = |leaf: resolve::Leaf| Leaf {
        path: leaf.path,
        element: format!("{:?}", leaf.element),
        axes: leaf
            .names
            .iter()
            .zip(&leaf.shape)
            .map(|(name, extent)| Axis {
                name: name.clone().unwrap_or_default(),
                text: extent.display(&typed.symbols).to_string(),
                extent: words(extent),
            })
            .collect(),
    };
    let parameters =
        typed.parameters.iter().flat_map(|parameter| parameter.tree.leaves(&parameter.name));
    Signature {
        name: typed.name.clone(),
        symbols: typed.symbols.clone(),
        parameters: parameters.map(leaf).collect(),
        results: typed.result.leaves("").into_iter().map(leaf).collect(),
        solves: solves
            .into_iter()
            .map(|solve| Solve {
                symbol: solve.symbol,
                leaf: solve.parameter,
                axis: solve.axis,
                factor: solve.factor,
                rest: words(&solve.rest),
            })
            .collect(),
    }
}

/// An extent in the postfix words of the runtime's `abi.rs`.
pub(crate) fn words(extent: &Dim) -> Vec<i64> {
    let mut words = Vec::new();
    for (position, (monomial, coefficient)) in extent.terms().iter().enumerate() {
        let atoms = monomial.iter().flat_map(|(atom, power)| (0..*power).map(move |_| atom));
        let mut has_factor = *coefficient != 1 || monomial.is_empty();
        if has_factor {
            words.extend([CONSTANT, *coefficient]);
        }
        for atom in atoms {
            atom_words(atom, &mut words);
            if has_factor {
                words.push(MULTIPLY);
            }
            has_factor = true;
        }
        if position > 0 {
            words.push(ADD);
        }
    }
    if words.is_empty() {
        words.extend([CONSTANT, 0]);
    }
    words
}

/// The largest of some extents, likewise; 0 if there are none.
fn largest(extents: &[Dim]) -> Vec<i64> {
    let mut all = words(extents.first().unwrap_or(&Dim::default()));
    for extent in extents.iter().skip(1) {
        all.extend(words(extent));
        all.push(LARGER);
    }
    all
}

fn atom_words(atom: &Atom, into: &mut Vec<i64>) {
    match atom {
        Atom::Symbol(symbol) => into.extend([SYMBOL, i64::from(symbol.0)]),
        Atom::Quotient { numerator, divisor, exact: _ } => {
            into.extend(words(numerator));
            into.extend(words(divisor));
            into.push(FLOOR_DIVIDE);
        }
        Atom::Largest(all) => into.extend(largest(all)),
        // The number of steps from below the bound, of which one counts.
        Atom::Reaches { extent, bound } => {
            into.extend(words(&(extent.clone() - Dim::from(*bound) + Dim::from(1))));
            into.extend([CONSTANT, 0, LARGER, CONSTANT, 1, SMALLER]);
        }
        Atom::Root(extent) => {
            into.extend(words(extent));
            into.push(ROOT);
        }
    }
}

/// The words of the runtime's `Extent`.
const CONSTANT: i64 = 0;
/// See [`CONSTANT`].
const SYMBOL: i64 = 1;
/// See [`CONSTANT`].
const ADD: i64 = 2;
/// See [`CONSTANT`].
const MULTIPLY: i64 = 3;
/// See [`CONSTANT`].
const FLOOR_DIVIDE: i64 = 4;
/// See [`CONSTANT`].
const LARGER: i64 = 5;
/// See [`CONSTANT`].
const SMALLER: i64 = 6;
/// See [`CONSTANT`].
const ROOT: i64 = 7;
