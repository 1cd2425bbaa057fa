//! Typed indices and the tables that they index.
//!
//! An [`Id<T>`] is a position in an [`Arena<T>`]; a [`SideTable<T, U>`] keeps one `U` for every `T`.
//! Order is the order of insertion, so that the same input always gives the same output.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The position of a `T` in its arena.
pub struct Id<T> {
    index: u32,
    marker: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The id of position `index`.
    pub fn new(index: usize) -> Self {
        Self {
            index: u32::try_from(index).expect("an arena holds fewer than 2^32 items"),
            marker: PhantomData,
        }
    }

    /// The position.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "%{}", self.index)
    }
}

/// Items in order of insertion, addressed by [`Id`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arena<T> {
    items: Vec<T>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Adds an item and tells where it is.
    pub fn push(&mut self, item: T) -> Id<T> {
        self.items.push(item);
        Id::new(self.items.len() - 1)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id<T>> + ExactSizeIterator + use<T> {
        (0..self.items.len()).map(Id::new)
    }

    /// All items with their ids, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Id<T>, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (Id::new(index), item))
    }
}

impl<T> Index<Id<T>> for Arena<T> {
    type Output = T;
    fn index(&self, id: Id<T>) -> &T {
        &self.items[id.index()]
    }
}

impl<T> IndexMut<Id<T>> for Arena<T> {
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        &mut self.items[id.index()]
    }
}

/// One `U` for every `T` of an arena.
#[derive(Clone, Debug)]
pub struct SideTable<T, U> {
    items: Vec<U>,
    marker: PhantomData<fn() -> T>,
}

impl<T, U: Clone> SideTable<T, U> {
    /// `value` for each item of `arena`.
    pub fn new(arena: &Arena<T>, value: U) -> Self {
        Self { items: vec![value; arena.len()], marker: PhantomData }
    }
}

impl<T, U> SideTable<T, U> {
    /// All entries, in the order of the items.
    pub fn iter(&self) -> impl Iterator<Item = &U> {
        self.items.iter()
    }
}

impl<T, U> Index<Id<T>> for SideTable<T, U> {
    type Output = U;
    fn index(&self, id: Id<T>) -> &U {
        &self.items[id.index()]
    }
}

impl<T, U> IndexMut<Id<T>> for SideTable<T, U> {
    fn index_mut(&mut self, id: Id<T>) -> &mut U {
        &mut self.items[id.index()]
    }
}
