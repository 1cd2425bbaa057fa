//! The memory that the runtime owns.
//!
//! - [`Block`]: bytes aligned for the widest vector register, not yet written.
//! - [`Storage`]: the elements of tensors, in a block of our own or in a `Vec` taken over from the user.
//! - [`Shared`]: a storage that several tensors see.
//! - [`Inline`]: a short list that lives on the stack and moves to the heap when it grows.
//! - [`with_workspace`]: scratch memory that each thread keeps from call to call.
//!
//! Afterwards: every element that a [`Storage`] shows has been written.
//! Never here: shapes and strides.
//!
//! This file is long because whoever reads one promise about memory has to see those beside it.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::cuda::Remote;
use crate::element::Element;
use crate::recycle::{self, LARGE};

/// The alignment of every block: a cache line, and the widest vector register.
pub(crate) const ALIGNMENT: usize = 64;

/// The alignment that every allocator gives at its ordinary price.
const ORDINARY: usize = 16;

/// The size of a huge page on the processors that we know. Memory of this size and above begins with one.
pub(crate) const HUGE: usize = 2 << 20;

/// Bytes of the allocator at an aligned address, given back when dropped.
///
/// The allocator is asked for a line more at its ordinary alignment, and the memory begins at the first aligned byte behind a head.
/// That is twice as fast as asking for the alignment, and much memory of zeros stays untouched pages.
/// The head has room for the number of its owners, so that a tensor is one allocation.
///
/// It is two words, so that functions return it in registers: words that are written one by one and copied two at a time
/// wait for each other, which takes as long as the allocation.
pub(crate) struct Memory {
    /// What the allocator gave.
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: memory is owned alone, as `Box<[MaybeUninit<u8>]>` is.
unsafe impl Send for Memory {}
// SAFETY: shared memory gives out nothing that could change its bytes.
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` bytes, of zero or not written.
    #[inline]
    pub(crate) fn allocate(bytes: usize, zeroed: bool) -> Self {
        let layout = Self::layout(bytes);
        // SAFETY: the layout has a size above zero.
        let base = unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        let memory = Self { base, bytes };
        if bytes >= LARGE {
            memory.ask_for_huge_pages();
        }
        memory
    }

    /// Asks the system for pages of [`HUGE`] bytes where the memory has room for some, before anything touches it.
    ///
    /// The processor finds the address of a page faster that it has met before, and it looks ahead in a stream of memory only as far as
    /// the page goes: 64 MB are summed in 1.3 instead of 1.7 ms, and new memory is written five times as fast.
    #[cfg(all(target_os = "linux", not(miri)))]
    fn ask_for_huge_pages(&self) {
        let start = self.start();
        let begin = start.addr().next_multiple_of(HUGE);
        let end = (start.addr() + self.bytes) / HUGE * HUGE;
        if end <= begin {
            return;
        }
        let first = start.with_addr(begin).cast();
        // SAFETY: these pages lie within memory that `self` owns alone, and the advice changes no byte of it.
        // Whether the system follows it makes no difference but in time, so nobody looks at the answer.
        unsafe { libc::madvise(first, end - begin, libc::MADV_HUGEPAGE) };
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn ask_for_huge_pages(&self) {}

    /// Of what the address is a multiple. Pages that are skipped are never touched, so that they take no memory.
    #[inline]
    fn alignment(bytes: usize) -> usize {
        if bytes < HUGE { ALIGNMENT } else { HUGE }
    }

    /// What is asked of the allocator for `bytes` bytes.
    #[inline]
    fn layout(bytes: usize) -> Layout {
        let layout = bytes
            .checked_add(Self::alignment(bytes))
            .and_then(|bytes| Layout::from_size_align(bytes, ORDINARY).ok());
        layout.expect("a tensor is smaller than the address space")
    }

    /// The first byte; it may be written through as long as the memory is not shared.
    #[inline]
    pub(crate) fn start(&self) -> *mut u8 {
        let alignment = Self::alignment(self.bytes);
        let skipped = alignment - self.base.addr().get() % alignment;
        // SAFETY: what is skipped is at most the alignment, which is the surplus of the layout.
        unsafe { self.base.as_ptr().add(skipped) }
    }

    /// Where the number of owners stands; not written before somebody does.
    #[inline]
    fn owners(&self) -> *mut AtomicUsize {
        // SAFETY: `base` is a multiple of `ORDINARY`, so that at least so many bytes were skipped in front of `start`.
        unsafe { self.start().sub(ORDINARY).cast() }
    }

    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Memory {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `allocate` got these bytes from the allocator with the same layout.
        unsafe { dealloc(self.base.as_ptr(), Self::layout(self.bytes)) }
    }
}

/// Owned bytes at an aligned address; large ones are [recycled](crate::recycle).
pub(crate) struct Block(ManuallyDrop<Memory>);

impl Block {
    /// `bytes` bytes that nobody has written yet, or a few more.
    #[inline]
    pub(crate) fn new(bytes: usize) -> Self {
        if bytes < LARGE {
            return Self(ManuallyDrop::new(Memory::allocate(bytes, false)));
        }
        Self::large(bytes)
    }

    #[inline(never)]
    fn large(bytes: usize) -> Self {
        let bytes = recycle::rounded(bytes);
        let memory = recycle::take(bytes).unwrap_or_else(|| Memory::allocate(bytes, false));
        Self(ManuallyDrop::new(memory))
    }

    /// `bytes` bytes of zero, or a few more. Fresh pages are zero until they are touched, so that old ones are no help.
    fn zeroed(bytes: usize) -> Self {
        if bytes < LARGE {
            return Self(ManuallyDrop::new(Memory::allocate(bytes, true)));
        }
        let bytes = recycle::rounded(bytes);
        recycle::count(bytes);
        Self(ManuallyDrop::new(Memory::allocate(bytes, true)))
    }

    /// The first byte; it may be written through as long as the block is not shared.
    #[inline]
    pub(crate) fn start(&self) -> *mut u8 {
        self.0.start()
    }

    /// How many bytes the block has.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The block as `length` elements.
    ///
    /// # Safety
    /// - The block has at least `length` times the size of `E` bytes.
    /// - These bytes have been written, and are values of `E`.
    #[inline]
    pub(crate) unsafe fn into_storage<E: Element>(self, length: usize) -> Storage<E> {
        debug_assert!(length * size_of::<E>() <= self.bytes());
        Storage::Aligned(Elements { block: self, length, element: std::marker::PhantomData })
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the memory is taken once, here, and the block is gone afterwards.
        let memory = unsafe { ManuallyDrop::take(&mut self.0) };
        if memory.bytes() >= LARGE {
            recycle::put(memory);
        }
    }
}

/// Something with the alignment of a block.
#[repr(align(64))]
struct Aligned;

/// The elements of tensors.
pub(crate) enum Storage<E> {
    /// In a block of our own.
    Aligned(Elements<E>),
    /// In a vector that the user gave away; it is only as aligned as its elements.
    Adopted(Vec<E>),
}

/// A storage that several tensors see, and that one may change as long as it is alone.
pub(crate) enum Shared<E> {
    /// In a block of our own, whose memory says how many owners it has.
    Aligned(ManuallyDrop<Elements<E>>),
    /// In a vector that the user gave away.
    Adopted(Arc<Vec<E>>),
    /// In the memory of a device.
    Remote(Remote),
}

impl<E> Clone for Shared<E> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Aligned(it) => {
                // As many owners as half of all numbers are a leak that will end badly: see `Arc::clone`.
                if it.owners().fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
                    std::process::abort();
                }
                // SAFETY: one more owner was counted, and an owner drops the elements only if it is the last.
                Self::Aligned(unsafe { ptr::read(it) })
            }
            Self::Adopted(vector) => Self::Adopted(Arc::clone(vector)),
            Self::Remote(remote) => Self::Remote(remote.clone()),
        }
    }
}

impl<E> Drop for Shared<E> {
    #[inline]
    fn drop(&mut self) {
        let Self::Aligned(it) = self else { return };
        // Nobody can join the only owner, so that it need not say that it leaves: an exchange would wait
        // until every store before it has reached the cache, which takes as long as a short call.
        let is_alone = it.owners().load(Ordering::Relaxed) == 1;
        if !is_alone && it.owners().fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What the other owners did happened before their counts went away.
        fence(Ordering::Acquire);
        // SAFETY: nobody else owns the elements any more, and `self` is gone afterwards.
        unsafe { ManuallyDrop::drop(it) }
    }
}

impl<E: Element> Shared<E> {
    #[inline]
    pub(crate) fn new(storage: Storage<E>) -> Self {
        match storage {
            Storage::Aligned(elements) => {
                // SAFETY: the place is part of the memory, aligned for a number, and nobody else sees the memory yet.
                unsafe { elements.block.0.owners().write(AtomicUsize::new(1)) };
                Self::Aligned(ManuallyDrop::new(elements))
            }
            Storage::Adopted(vector) => Self::Adopted(Arc::new(vector)),
        }
    }

    /// All elements. Panics if they are on a device.
    #[inline]
    #[track_caller]
    pub(crate) fn as_slice(&self) -> &[E] {
        match self {
            Self::Aligned(it) => it.as_slice(),
            Self::Adopted(vector) => vector,
            Self::Remote(remote) => elsewhere(remote),
        }
    }

    /// The memory, if it is that of a device.
    #[inline]
    pub(crate) fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Remote(remote) => Some(remote),
            Self::Aligned(_) | Self::Adopted(_) => None,
        }
    }

    /// As [`remote`](Self::remote).
    #[inline]
    pub(crate) fn remote_mut(&mut self) -> Option<&mut Remote> {
        match self {
            Self::Remote(remote) => Some(remote),
            Self::Aligned(_) | Self::Adopted(_) => None,
        }
    }

    /// All elements to be changed, if nobody else sees them. Panics if they are on a device.
    #[inline]
    #[track_caller]
    pub(crate) fn get_mut(&mut self) -> Option<&mut [E]> {
        match self {
            Self::Aligned(it) => {
                if it.owners().load(Ordering::Relaxed) != 1 {
                    return None;
                }
                // What the last other owner did happened before its count went away.
                fence(Ordering::Acquire);
                Some(it.as_mut_slice())
            }
            Self::Adopted(vector) => {
                if Arc::strong_count(vector) != 1 {
                    return None;
                }
                fence(Ordering::Acquire);
                // SAFETY: the only count is that of `self`, which is borrowed mutably; weak counts are never made, which `Arc::get_mut`
                // would have to look for with an exchange that takes as long as the rest of a short call.
                Some(unsafe { (*Arc::as_ptr(vector).cast_mut()).as_mut_slice() })
            }
            Self::Remote(remote) => elsewhere(remote),
        }
    }

    /// The vector of the user, if there is one and nobody else sees it.
    pub(crate) fn into_adopted(mut self) -> Result<Vec<E>, Self> {
        if let Self::Adopted(vector) = &mut self
            && let Some(vector) = Arc::get_mut(vector)
        {
            return Ok(std::mem::take(vector));
        }
        Err(self)
    }
}

/// Panics, because somebody looks at elements where they are not.
#[cold]
#[track_caller]
fn elsewhere(remote: &Remote) -> ! {
    let device = remote.gpu();
    panic!("the elements are on {device}\n  help: `.to(&Device::cpu())` brings them to the host")
}

/// A block whose first `length` elements have been written.
pub(crate) struct Elements<E> {
    block: Block,
    length: usize,
    element: std::marker::PhantomData<E>,
}

impl<E: Element> Storage<E> {
    /// The first `length` values of `values`, which must have as many.
    pub(crate) fn collect(length: usize, values: impl IntoIterator<Item = E>) -> Self {
        let block = Block::new(bytes_of::<E>(length));
        let start = block.start().cast::<E>();
        let mut written = 0;
        for value in values.into_iter().take(length) {
            // SAFETY: `written` is below `length`, for which the block was made, and the block is not shared.
            unsafe { start.add(written).write(value) };
            written += 1;
        }
        assert!(written == length, "a tensor of {length} elements was given {written}");
        // SAFETY: the loop has written all `length` elements.
        unsafe { block.into_storage(length) }
    }

    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        let block = Block::zeroed(bytes_of::<E>(length));
        // SAFETY: zero bytes are a value of every element type.
        unsafe { block.into_storage(length) }
    }
}

impl<E> Elements<E> {
    /// How many own the memory: written when it became shared.
    #[inline]
    fn owners(&self) -> &AtomicUsize {
        // SAFETY: `Shared::new` has written it, and it lives as long as the memory, which `self` owns with others.
        unsafe { &*self.block.0.owners() }
    }
}

impl<E: Element> Elements<E> {
    #[inline]
    fn as_slice(&self) -> &[E] {
        // SAFETY: the elements have been written, the block is aligned for them, and `self` is borrowed as long as they are.
        unsafe { slice::from_raw_parts(self.block.start().cast(), self.length) }
    }

    #[inline]
    fn as_mut_slice(&mut self) -> &mut [E] {
        // SAFETY: as in `as_slice`, `self` is borrowed mutably, and it is the only owner: whoever shares it asks `owners` first.
        unsafe { slice::from_raw_parts_mut(self.block.start().cast(), self.length) }
    }
}

/// The size of `length` elements.
fn bytes_of<E>(length: usize) -> usize {
    length.checked_mul(size_of::<E>()).expect("a tensor is smaller than the address space")
}

/// One word, as nothing is to be written or dropped as long as there is no list.
type Far<T> = Option<Box<Vec<MaybeUninit<T>>>>;

/// A list of at most `N` values on the stack, of more on the heap.
pub(crate) struct Inline<T, const N: usize> {
    near: [MaybeUninit<T>; N],
    /// How many values of `near` have been written, or [`FAR`] once the list has moved to `far`.
    written: usize,
    /// A box, because nothing is to be written or dropped as long as there is none.
    #[expect(
        clippy::box_collection,
        reason = "a list that is nearly always empty shall be one word"
    )]
    far: Option<Box<Vec<MaybeUninit<T>>>>,
}

/// More than any list has nearby.
const FAR: usize = usize::MAX;

impl<T, const N: usize> Inline<T, N> {
    /// The empty list.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self { near: [const { MaybeUninit::uninit() }; N], written: 0, far: None }
    }

    /// Appends one value.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        self.push_with(|| value);
    }

    /// Appends the value that a closure makes.
    #[inline]
    pub(crate) fn push_with(&mut self, make: impl FnOnce() -> T) {
        // The place comes first, so that the value is made in it: what is made elsewhere and copied stalls the short way.
        match self.near.get_mut(self.written) {
            Some(place) => {
                place.write(make());
                self.written += 1;
            }
            None => {
                let value = make();
                Self::far_place(&self.near, &mut self.written, &mut self.far).write(value);
            }
        }
    }

    /// A place behind all others in `far`.
    #[cold]
    fn far_place<'l>(
        near: &[MaybeUninit<T>; N],
        written: &mut usize,
        far: &'l mut Far<T>,
    ) -> &'l mut MaybeUninit<T> {
        let far = far.get_or_insert_default();
        if std::mem::replace(written, FAR) != FAR {
            // SAFETY: `MaybeUninit` may be copied; the values are forgotten in `near`, because `written` says so.
            far.extend(near.iter().map(|place| unsafe { ptr::read(place) }));
        }
        far.push(MaybeUninit::uninit());
        let last = far.len() - 1;
        &mut far[last]
    }

    /// Whether nothing is on the heap.
    #[inline]
    pub(crate) fn is_near(&self) -> bool {
        self.far.is_none()
    }

    /// All values.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        let written = match self.near.get(..self.written) {
            Some(near) => near,
            None => self.far.as_deref().map_or(&[][..], Vec::as_slice),
        };
        // SAFETY: these were written, and `MaybeUninit<T>` has the layout of `T`.
        unsafe { slice::from_raw_parts(written.as_ptr().cast(), written.len()) }
    }

    /// All values, to be changed.
    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        let written = match self.near.get_mut(..self.written) {
            Some(near) => near,
            None => self.far.as_deref_mut().map_or(&mut [][..], Vec::as_mut_slice),
        };
        // SAFETY: these were written, `MaybeUninit<T>` has the layout of `T`, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(written.as_mut_ptr().cast(), written.len()) }
    }
}

impl<T, const N: usize> Drop for Inline<T, N> {
    #[inline]
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            // SAFETY: all values were written, and nobody can see them after this.
            unsafe { ptr::drop_in_place(self.as_mut_slice()) }
        }
    }
}

thread_local! {
    /// The workspace that this thread keeps, or `None` while a call uses it.
    static WORKSPACE: Cell<Option<Block>> = const { Cell::new(None) };
}

/// Scratch of this size stands on the stack.
const LITTLE: usize = 2048;

/// Runs `body` with the address of at least `bytes` bytes of aligned scratch memory.
///
/// Little memory is on the stack. More is kept by the thread, grows to the largest request, and holds nothing that a call may rely on.
/// A call inside a call gets memory of its own.
#[inline]
pub(crate) fn with_workspace<R>(bytes: usize, body: impl FnOnce(*mut u8) -> R) -> R {
    if bytes == 0 {
        return body(NonNull::<Aligned>::dangling().cast().as_ptr());
    }
    if bytes <= LITTLE {
        return with_little(body);
    }
    let kept = WORKSPACE.try_with(Cell::take).ok().flatten();
    let block = match kept {
        Some(block) if block.bytes() >= bytes => block,
        _ => Block::new(bytes),
    };
    let result = body(block.start());
    // During the end of a thread there is no place to keep the block, and it is freed here.
    let _ = WORKSPACE.try_with(|workspace| keep_larger(workspace, block));
    result
}

#[inline(never)]
fn with_little<R>(body: impl FnOnce(*mut u8) -> R) -> R {
    #[repr(align(64))]
    struct Little(MaybeUninit<[u8; LITTLE]>);
    let mut little = Little(MaybeUninit::uninit());
    body(little.0.as_mut_ptr().cast())
}

/// Frees the workspace that this thread keeps.
pub(crate) fn drop_workspace() {
    let _ = WORKSPACE.try_with(Cell::take);
}

fn keep_larger(workspace: &Cell<Option<Block>>, block: Block) {
    let other = workspace.take();
    let larger = match other {
        Some(other) if other.bytes() > block.bytes() => other,
        _ => block,
    };
    workspace.set(Some(larger));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn blocks_are_aligned() {
        for bytes in [0, 1, 63, 64, 1000] {
            assert_eq!(Block::new(bytes).start() as usize % ALIGNMENT, 0);
        }
    }

    #[test]
    fn storage_collects_zeroes_and_adopts() {
        let mut storage = Shared::new(Storage::collect(3, [1.0f32, 2.0, 3.0]));
        storage.get_mut().unwrap()[1] = 5.0;
        assert_eq!(storage.as_slice(), [1.0, 5.0, 3.0]);
        assert_eq!(Shared::new(Storage::<bool>::zeroed(2)).as_slice(), [false, false]);
        assert_eq!(Shared::new(Storage::<i64>::zeroed(0)).as_slice(), [0i64; 0]);
        let vector = vec![1u8, 2];
        let address = vector.as_ptr();
        let adopted = Shared::new(Storage::Adopted(vector));
        assert_eq!(adopted.as_slice().as_ptr(), address);
        let clone = adopted.clone();
        let adopted = adopted.into_adopted().expect_err("two see it");
        drop(clone);
        assert_eq!(adopted.into_adopted().ok(), Some(vec![1, 2]));
    }

    /// The last owner gives the memory back, on whichever thread it is.
    #[test]
    fn owners_are_counted_across_threads() {
        let mut first = Shared::new(Storage::collect(4, [1i64, 2, 3, 4]));
        let address = first.as_slice().as_ptr();
        let others: Vec<_> = (0..3)
            .map(|_| {
                let other = first.clone();
                std::thread::spawn(move || {
                    let mut again = other.clone();
                    assert!(again.get_mut().is_none(), "`other` sees it");
                    drop(other);
                    again.as_slice().iter().sum::<i64>()
                })
            })
            .collect();
        for other in others {
            assert_eq!(other.join().unwrap(), 10);
        }
        first.get_mut().expect("all others are gone")[0] = 7;
        assert_eq!((first.as_slice().as_ptr(), first.as_slice()[0]), (address, 7));
        assert!(first.into_adopted().is_err());
    }

    #[test]
    fn inline_lists_move_to_the_heap_and_drop_each_value_once() {
        let witness = Rc::new(());
        for count in [0, 1, 2, 3, 9] {
            let mut list = Inline::<Rc<()>, 2>::new();
            for _ in 0..count {
                list.push(Rc::clone(&witness));
            }
            assert_eq!(list.as_slice().len(), count);
            assert_eq!(list.as_mut_slice().len(), count);
            assert_eq!(Rc::strong_count(&witness), count + 1);
        }
        assert_eq!(Rc::strong_count(&witness), 1);
    }

    #[test]
    fn the_workspace_is_kept_and_not_shared_with_a_call_inside() {
        let first = with_workspace(100_000, |outer| {
            with_workspace(50_000, |inner| assert_ne!(outer, inner));
            outer
        });
        let second = with_workspace(80_000, |again| again);
        assert_eq!(first, second);
        assert_eq!(first as usize % ALIGNMENT, 0);
        for bytes in [1, LITTLE, LITTLE + 1] {
            with_workspace(bytes, |start| assert_eq!(start as usize % ALIGNMENT, 0));
        }
        drop_workspace();
    }
}
