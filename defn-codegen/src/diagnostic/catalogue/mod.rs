//! Every sentence that the compiler says to a user.
//!
//! One variant for each sentence, with what it speaks of as its fields; one table for each theme.
//! A row holds the variant, its fields, the name of the rule, and the sentence:
//!
//! ```text
//! cannot align axes of different extent
//!   left:  Tensor<f32, batch, features<4>>
//!   right: Tensor<f32, features<8>>
//!   help: rename one of them
//!   [extents-differ]
//! ```
//!
//! Types stand here as users write them, as text: whoever notices a mistake knows the names of the extents.

/// A theme: the enum, the rule of each variant, and what is said.
macro_rules! catalogue {
    ($(#[$about:meta])* $theme:ident {
        $($(#[$doc:meta])* $variant:ident { $($field:ident: $ty:ty),* $(,)? } $rule:literal => $sentence:expr;)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $theme {
            $($(#[$doc])* $variant { $(#[doc = concat!("The `", stringify!($field), "` of the sentence.")] $field: $ty,)* },)*
        }

        impl $theme {
            /// The rules of this theme.
            pub const RULES: &'static [&'static str] = &[$($rule),*];

            /// The rule that was broken.
            pub fn rule(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $rule,)* }
            }

            pub(crate) fn sentence(&self) -> $crate::diagnostic::catalogue::Sentence {
                match self { $(Self::$variant { $($field),* } => $sentence,)* }
            }
        }
    };
}

mod axes;
mod calls;
mod elements;
mod limits;
mod loops;
mod names;

pub use axes::AxisMistake;
pub use calls::CallMistake;
pub use elements::ElementMistake;
pub use limits::Limit;
pub use loops::LoopMistake;
pub use names::NameMistake;

/// What a user did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// About axes and extents.
    Axis(AxisMistake),
    /// About element types, literals and kinds of values.
    Element(ElementMistake),
    /// About names, places and types of locals.
    Name(NameMistake),
    /// About calls, containers and requests.
    Call(CallMistake),
    /// About branches and loops.
    Loop(LoopMistake),
    /// No mistake at all: what the compiler cannot do.
    Limit(Limit),
}

impl Mistake {
    /// The names of all rules; each has a heading in `docs/errors.md` and a case in `tests/ui`.
    pub const ALL_RULES: &'static [&'static [&'static str]] = &[
        AxisMistake::RULES,
        ElementMistake::RULES,
        NameMistake::RULES,
        CallMistake::RULES,
        LoopMistake::RULES,
    ];

    /// The rule that was broken.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Axis(mistake) => mistake.rule(),
            Self::Element(mistake) => mistake.rule(),
            Self::Name(mistake) => mistake.rule(),
            Self::Call(mistake) => mistake.rule(),
            Self::Loop(mistake) => mistake.rule(),
            Self::Limit(_) => "limitation",
        }
    }

    /// The text for the user: what is wrong, facts, help, the rule.
    pub fn message(&self) -> String {
        match self {
            Self::Axis(mistake) => mistake.sentence().text(self.rule()),
            Self::Element(mistake) => mistake.sentence().text(self.rule()),
            Self::Name(mistake) => mistake.sentence().text(self.rule()),
            Self::Call(mistake) => mistake.sentence().text(self.rule()),
            Self::Loop(mistake) => mistake.sentence().text(self.rule()),
            Self::Limit(limit) => limit.message(),
        }
    }
}

macro_rules! themes {
    ($($variant:ident $theme:ident)*) => {
        $(impl From<$theme> for Mistake {
            fn from(mistake: $theme) -> Self {
                Self::$variant(mistake)
            }
        })*
    };
}

themes! { Axis AxisMistake Element ElementMistake Name NameMistake Call CallMistake Loop LoopMistake Limit Limit }

/// What is said: four parts, each on lines of its own.
pub(crate) struct Sentence {
    wrong: String,
    facts: Vec<(&'static str, String)>,
    help: Option<String>,
}

/// A sentence that begins so.
pub(crate) fn say(wrong: impl Into<String>) -> Sentence {
    Sentence { wrong: wrong.into(), facts: Vec::new(), help: None }
}

impl Sentence {
    /// What was found.
    pub(crate) fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((label, value.into()));
        self
    }

    /// One thing to try.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// One thing to try, if there is one.
    pub(crate) fn perhaps(self, help: Option<&String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// The known name that is spelled alike, as the thing to try.
    pub(crate) fn nearest(self, nearest: Option<&String>) -> Self {
        match nearest {
            Some(nearest) => self.help(format!("did you mean `{nearest}`?")),
            None => self,
        }
    }

    fn text(&self, rule: &str) -> String {
        let width = self.facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 1;
        let mut text = self.wrong.clone();
        for (label, value) in &self.facts {
            let label = format!("{label}:");
            text.push_str(&format!("\n  {label:width$} {value}"));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("\n  help: {help}"));
        }
        text.push_str(&format!("\n  [{rule}]"));
        text
    }
}

/// The candidate that is spelled most like `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // One letter is as near to any other as it is to the one that was meant.
    let limit = match word.chars().count() {
        0 | 1 => return None,
        letters => (letters / 3).max(1),
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many letters must be put in, left out, changed, or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i - 1] == *b && *a == right[j - 1] {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::{AxisMistake, Mistake, nearest};

    #[test]
    fn facts_are_aligned_and_the_rule_comes_last() {
        let mistake = Mistake::from(AxisMistake::ExtentsDiffer {
            axis: "n".to_owned(),
            left: "Tensor<f32, n<4>>".to_owned(),
            right: "Tensor<f32, n<8>>".to_owned(),
        });
        assert_eq!(
            mistake.message(),
            "axis `n` has two different extents\n  left:  Tensor<f32, n<4>>\n  right: Tensor<f32, n<8>>\n  [extents-differ]"
        );
    }

    #[test]
    fn a_slip_of_the_finger_is_near() {
        assert_eq!(nearest("featurs", ["batch", "features"]), Some("features".to_owned()));
        assert_eq!(nearest("sotfmax", ["softmax", "sum"]), Some("softmax".to_owned()));
        assert_eq!(nearest("key", ["query", "value"]), None);
        assert_eq!(nearest("m", ["n"]), None);
    }

    #[test]
    fn every_rule_has_one_name() {
        let mut rules: Vec<_> = Mistake::ALL_RULES.iter().copied().flatten().collect();
        let all = rules.len();
        rules.sort_unstable();
        rules.dedup();
        assert_eq!(rules.len(), all);
    }
}
