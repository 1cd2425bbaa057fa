//! Where nodes come from: numbers for the compiler, spans for rustc.

use defn_codegen::origin::Origin;
use proc_macro2::Span;

/// The places of nodes, by number; number 0 is what no user wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    places: Vec<Place>,
}

/// Where a node comes from.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A token of the entry function.
    Token(Span),
    /// Somewhere in a callee, which is told only where NaNs are hunted.
    Callee {
        /// Its number.
        uid: String,
        /// Its name.
        name: String,
    },
}

impl Origins {
    /// The number of a place.
    pub(super) fn number(&mut self, span: Span) -> Origin {
        self.add(Place::Token(span))
    }

    /// The number of a callee.
    pub(super) fn callee(&mut self, uid: &str, name: &str) -> Origin {
        self.add(Place::Callee { uid: uid.to_owned(), name: name.to_owned() })
    }

    fn add(&mut self, place: Place) -> Origin {
        self.places.push(place);
        u32::try_from(self.places.len()).map_or(Origin::NONE, Origin)
    }

    /// The place of a number.
    pub(crate) fn place(&self, origin: Origin) -> Option<&Place> {
        self.places.get((origin.0 as usize).checked_sub(1)?)
    }

    /// The token of a number, if it is one of the entry function.
    pub(crate) fn span(&self, origin: Origin) -> Option<Span> {
        match self.place(origin)? {
            Place::Token(span) => Some(*span),
            Place::Callee { .. } => None,
        }
    }
}
