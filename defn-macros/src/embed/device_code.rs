//! Code for GPUs as Rust: a static with the PTX and the launch plan of each kind of device.
//!
//! ```text
//! .with_devices(&[DeviceCode { capability: 80, is_exact: false, ptx: "…", steps: &[Step::Launch { … }], … }])
//! ```

use super::host_code::extent_tokens;
use crate::device::{Device, Launch, Number, Place, Step};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What is said of a function, if there are devices.
pub(super) fn device_code(devices: &[Device], private: &TokenStream) -> Option<TokenStream> {
    if devices.is_empty() {
        return None;
    }
    let devices = devices.iter().map(|device| {
        let Device { capability, is_exact, ptx, steps, workspace, private: scratch } = device;
        let steps = steps.iter().map(|step| step_tokens(step, private));
        let (workspace, scratch) =
            (extent_tokens(workspace, private), extent_tokens(scratch, private));
        let ptx = Literal::string(ptx);
        quote!(#private::DeviceCode {
            capability: #capability,
            is_exact: #is_exact,
            ptx: #ptx,
            steps: &[#(#steps),*],
            workspace: #workspace,
            private: #scratch,
        })
    });
    Some(quote!(.with_devices(&[#(#devices),*])))
}

fn step_tokens(step: &Step, private: &TokenStream) -> TokenStream {
    let place = |place| place_tokens(place, private);
    match step {
        Step::Launch(launch) => launch_tokens(launch, private),
        Step::Repeat(extent) => {
            let extent = extent_tokens(extent, private);
            quote!(#private::Step::Repeat { extent: #extent })
        }
        Step::Loop => quote!(#private::Step::Loop),
        Step::Leave(unless) => {
            let unless = place(unless);
            quote!(#private::Step::Leave { unless: #unless })
        }
        Step::If(condition) => {
            let condition = place(condition);
            quote!(#private::Step::If { condition: #condition })
        }
        Step::Else => quote!(#private::Step::Else),
        Step::End => quote!(#private::Step::End),
        Step::Inspect(number, buffer) => {
            let buffer = place(buffer);
            quote!(#private::Step::Inspect { number: #number, buffer: #buffer })
        }
    }
}

fn launch_tokens(launch: &Launch, private: &TokenStream) -> TokenStream {
    let Launch { kernel, tasks, threads, teams, shared, has_private, arguments, numbers } = launch;
    let tasks = extent_tokens(tasks, private);
    let arguments = arguments.iter().map(|place| place_tokens(place, private));
    let numbers = numbers.iter().map(|number| match number {
        Number::Extent(extent) => {
            let extent = extent_tokens(extent, private);
            quote!(#private::DeviceNumber::Extent(#extent))
        }
        Number::Round(depth) => quote!(#private::DeviceNumber::Round(#depth)),
    });
    quote!(#private::Step::Launch {
        kernel: #kernel,
        tasks: #tasks,
        threads: #threads,
        teams: #teams,
        shared: #shared,
        arguments: &[#(#arguments),*],
        numbers: &[#(#numbers),*],
        private: #has_private,
    })
}

fn place_tokens(place: &Place, private: &TokenStream) -> TokenStream {
    match place {
        Place::Argument(argument) => quote!(#private::DevicePlace::Argument(#argument)),
        Place::Workspace(offset) => {
            let offset = extent_tokens(offset, private);
            quote!(#private::DevicePlace::Workspace(#offset))
        }
        Place::Private(offset) => {
            let offset = extent_tokens(offset, private);
            quote!(#private::DevicePlace::Private(#offset))
        }
    }
}
