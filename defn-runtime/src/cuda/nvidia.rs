//! Devices of NVIDIA, through the driver's library.
//!
//! The library is opened when the first device is asked for; where it is missing, there are no devices.
//! `cudarc` panics without it, so that [`presence`] is asked before anything else.
//! This is the only file that knows `cudarc`.

use std::ffi::{CString, c_void};
use std::ptr;
use std::time::Duration;

use cudarc::driver::{result, sys};

use super::driver::{About, Address, Driver, Event, Fault, Grid, Kernel, Module};
use crate::error::Absence;

/// More bytes of shared memory than this must be asked for before a launch.
const SHARED: u32 = 48 << 10;

/// A device and its stream.
pub(super) struct Nvidia {
    about: About,
    context: sys::CUcontext,
    stream: sys::CUstream,
}

// SAFETY: contexts and streams may be used from any thread; each function makes the context that of its thread first.
unsafe impl Send for Nvidia {}
// SAFETY: the driver's functions may be called at the same time.
unsafe impl Sync for Nvidia {}

impl From<result::DriverError> for Fault {
    fn from(error: result::DriverError) -> Self {
        match error.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => Self::OutOfMemory,
            sys::CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => Self::OldDriver,
            _ => Self::Other(words(error)),
        }
    }
}

/// `an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)`.
fn words(error: result::DriverError) -> String {
    let name = format!("{:?}", error.0);
    match error.error_string() {
        Ok(text) => format!("{} ({name})", text.to_string_lossy()),
        Err(_) => name,
    }
}

/// How many devices there are, or why there are none.
pub(super) fn presence() -> Result<usize, Absence> {
    // SAFETY: looking for the library runs what it does when it is opened, as every program that links it does.
    if !unsafe { sys::is_culib_present() } {
        return Err(Absence::NoDriver);
    }
    let count = result::init().and_then(|()| result::device::get_count());
    match count {
        Ok(count) => Ok(usize::try_from(count).unwrap_or(0)),
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => Ok(0),
        Err(error) => Err(Absence::Driver(words(error))),
    }
}

impl Nvidia {
    /// One of the devices that [`presence`] counts.
    pub(super) fn open(ordinal: usize) -> Result<Self, Fault> {
        let number = i32::try_from(ordinal).unwrap_or(i32::MAX);
        let device = result::device::get(number)?;
        let attribute = |which| {
            // SAFETY: `get` gave the device.
            let value = unsafe { result::device::get_attribute(device, which) }?;
            Ok::<_, Fault>(u32::try_from(value).unwrap_or(0))
        };
        use sys::CUdevice_attribute as Attribute;
        let about = About {
            ordinal,
            name: result::device::get_name(device)?,
            capability: (
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            processors: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            threads: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR)?,
        };
        // SAFETY: `get` gave the device. The context is that of all libraries of the process, and stays until it ends.
        let context = unsafe { result::primary_ctx::retain(device) }?;
        // SAFETY: the context was just retained.
        unsafe { result::ctx::set_current(context) }?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking)?;
        Ok(Self { about, context, stream })
    }

    /// Makes the context that of this thread, where another library may have put its own.
    fn enter(&self) -> Result<(), Fault> {
        // SAFETY: the context is never released.
        Ok(unsafe { result::ctx::set_current(self.context) }?)
    }
}

impl Driver for Nvidia {
    fn about(&self) -> &About {
        &self.about
    }

    fn allocate(&self, bytes: usize) -> Result<Address, Fault> {
        self.enter()?;
        // SAFETY: memory that nobody has written is given out as that.
        Ok(unsafe { result::malloc_sync(bytes) }?)
    }

    unsafe fn free(&self, address: Address, _: usize) {
        // A device that has failed frees nothing, and there is nobody to tell.
        if self.enter().is_ok() {
            // SAFETY: the caller promises that it came from `allocate` and is used no more; the driver waits for what is under way.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    fn allocate_host(&self, bytes: usize) -> Result<*mut u8, Fault> {
        self.enter()?;
        // SAFETY: memory that nobody has written is given out as that.
        Ok(unsafe { result::malloc_host(bytes, sys::CU_MEMHOSTALLOC_PORTABLE) }?.cast())
    }

    unsafe fn copy_in(&self, to: Address, from: *const u8, bytes: usize) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: the caller promises both places; the driver's own function takes addresses and looks at nothing now.
        let begun = unsafe { sys::cuMemcpyHtoDAsync_v2(to, from.cast(), bytes, self.stream) };
        Ok(begun.result()?)
    }

    unsafe fn copy_out(&self, to: *mut u8, from: Address, bytes: usize) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: as in `copy_in`.
        let begun = unsafe { sys::cuMemcpyDtoHAsync_v2(to.cast(), from, bytes, self.stream) };
        Ok(begun.result()?)
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: usize) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: the caller promises both places.
        Ok(unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream) }?)
    }

    fn event(&self) -> Result<Event, Fault> {
        self.enter()?;
        let event = result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
        Ok(Event(event.expose_provenance()))
    }

    fn record(&self, event: Event) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: `event` made it, and events are never destroyed.
        Ok(unsafe {
            result::event::record(ptr::with_exposed_provenance_mut(event.0), self.stream)
        }?)
    }

    fn wait(&self, event: Event) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: as in `record`.
        Ok(unsafe { result::event::synchronize(ptr::with_exposed_provenance_mut(event.0)) }?)
    }

    fn timer(&self) -> Result<Event, Fault> {
        self.enter()?;
        let event = result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT)?;
        Ok(Event(event.expose_provenance()))
    }

    fn elapsed(&self, from: Event, to: Event) -> Result<Duration, Fault> {
        self.enter()?;
        let [from, to] = [from, to].map(|event| ptr::with_exposed_provenance_mut(event.0));
        // SAFETY: `timer` made both, and events are never destroyed.
        let milliseconds = unsafe { result::event::elapsed(from, to) }?;
        Ok(Duration::from_secs_f64(f64::from(milliseconds.max(0.0)) / 1e3))
    }

    fn synchronize(&self) -> Result<(), Fault> {
        self.enter()?;
        // SAFETY: the stream is never destroyed.
        Ok(unsafe { result::stream::synchronize(self.stream) }?)
    }

    fn load(&self, ptx: &str) -> Result<Module, Fault> {
        self.enter()?;
        let text = CString::new(ptx).map_err(|_| Fault::Other("the code holds a zero".into()))?;
        let mut log = [0u8; 2048];
        let mut module = ptr::null_mut();
        let mut options = [
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        let mut values: [*mut c_void; 2] =
            [log.as_mut_ptr().cast(), ptr::without_provenance_mut(log.len())];
        let (names, values) = (options.as_mut_ptr(), values.as_mut_ptr());
        // SAFETY: the text ends with a zero, there are two options with a value each, and the log has the length that the second says.
        let loaded = unsafe {
            sys::cuModuleLoadDataEx(&raw mut module, text.as_ptr().cast(), 2, names, values)
        };
        match loaded.result().map_err(Fault::from) {
            Ok(()) => Ok(Module(module.expose_provenance())),
            Err(Fault::Other(words)) => {
                let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
                let log = String::from_utf8_lossy(&log[..end]);
                Err(Fault::Other(format!("{words}\n{}", log.trim()).trim().to_owned()))
            }
            Err(fault) => Err(fault),
        }
    }

    fn kernel(&self, module: Module, name: &str, shared: u32) -> Result<Kernel, Fault> {
        self.enter()?;
        let name = CString::new(name).map_err(|_| Fault::Other("a name holds a zero".into()))?;
        let module = ptr::with_exposed_provenance_mut(module.0);
        // SAFETY: `load` gave the module, and modules are never unloaded.
        let kernel = unsafe { result::module::get_function(module, name) }?;
        if shared > SHARED {
            use sys::CUfunction_attribute_enum as Attribute;
            let most = Attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let shared = i32::try_from(shared).unwrap_or(i32::MAX);
            // SAFETY: `get_function` gave the kernel.
            unsafe { result::function::set_function_attribute(kernel, most, shared) }?;
        }
        Ok(Kernel(kernel.expose_provenance()))
    }

    unsafe fn launch(&self, kernel: Kernel, grid: Grid, words: &[u64]) -> Result<(), Fault> {
        /// More parameters than this need a list on the heap.
        const FEW: usize = 64;
        self.enter()?;
        let mut few = [ptr::null_mut::<c_void>(); FEW];
        let mut many = Vec::new();
        let parameters = match few.get_mut(..words.len()) {
            Some(few) => few,
            None => {
                many.resize(words.len(), ptr::null_mut());
                &mut many[..]
            }
        };
        for (parameter, word) in parameters.iter_mut().zip(words) {
            *parameter = ptr::from_ref(word).cast_mut().cast();
        }
        let (kernel, shape) = (ptr::with_exposed_provenance_mut(kernel.0), |x| (x, 1, 1));
        let (blocks, threads) = (shape(grid.blocks), shape(grid.threads));
        // SAFETY: `kernel` gave the function, each parameter is the address of one of its words, which are copied now,
        // and the caller promises what the kernel does with them.
        Ok(unsafe {
            result::launch_kernel(kernel, blocks, threads, grid.shared, self.stream, parameters)
        }?)
    }
}
