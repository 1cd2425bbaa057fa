//! The code of a function on one device.
//!
//! In:  [`DeviceCode`].   Out: its kernels, and where each marker of the plan leads.

use super::driver::{Driver, Fault, Kernel};
use crate::abi::{DeviceCode, Step};

/// What was loaded, by the position of the step.
pub(super) struct Loaded {
    /// The kernel of a launch.
    pub(super) kernels: Vec<Option<Kernel>>,
    /// Of a marker that opens a part: its `Else`, or else its `End`. Of an `Else`: its `End`. Of an `End`: what it ends.
    pub(super) partners: Vec<usize>,
}

impl Loaded {
    /// The best code for a device.
    pub(super) fn best(
        codes: &'static [DeviceCode],
        (major, minor): (u32, u32),
    ) -> Option<&'static DeviceCode> {
        let own = 10 * major + minor;
        let runs = |code: &&DeviceCode| {
            if code.is_exact { code.capability == own } else { code.capability <= own }
        };
        codes.iter().filter(runs).max_by_key(|code| (code.capability, code.is_exact))
    }

    pub(super) fn load(driver: &dyn Driver, code: &DeviceCode) -> Result<Self, Fault> {
        let module = driver.load(code.ptx)?;
        let kernel = |step: &Step| match *step {
            Step::Launch { kernel, shared, .. } => driver.kernel(module, kernel, shared).map(Some),
            _ => Ok(None),
        };
        let kernels = code.steps.iter().map(kernel).collect::<Result<_, _>>()?;
        Ok(Self { kernels, partners: partners(code.steps) })
    }
}

/// Where each marker leads; see [`Loaded::partners`].
fn partners(steps: &[Step]) -> Vec<usize> {
    let mut partners = vec![0; steps.len()];
    // The markers that wait for their partner: those that open a part, or their `Else`.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        match step {
            Step::Repeat { .. } | Step::Loop | Step::If { .. } => open.push((position, position)),
            Step::Else => {
                let (_, last) = open.last_mut().expect("defn bug: an `else` without its `if`");
                partners[std::mem::replace(last, position)] = position;
            }
            Step::End => {
                let (opener, last) = open.pop().expect("defn bug: an end of nothing");
                partners[last] = position;
                partners[position] = opener;
            }
            Step::Launch { .. } | Step::Leave { .. } | Step::Inspect { .. } => {}
        }
    }
    assert!(open.is_empty(), "defn bug: a part of a launch plan has no end");
    partners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{DevicePlace, Extent};

    #[test]
    fn the_best_module_is_the_latest_that_runs() {
        const fn code(capability: u32, is_exact: bool) -> DeviceCode {
            let nothing = Extent(&[0, 0]);
            DeviceCode {
                capability,
                is_exact,
                ptx: "",
                steps: &[],
                workspace: nothing,
                private: nothing,
            }
        }
        static CODES: [DeviceCode; 2] = [code(80, false), code(90, true)];
        let best = |capability| Loaded::best(&CODES, capability).map(|code| code.capability);
        assert_eq!(best((7, 5)), None);
        assert_eq!(best((8, 0)), Some(80));
        assert_eq!(best((8, 9)), Some(80));
        assert_eq!(best((9, 0)), Some(90));
        assert_eq!(best((10, 0)), Some(80));
    }

    #[test]
    fn markers_lead_to_their_partners() {
        let place = DevicePlace::Argument(0);
        let steps = [
            Step::Loop,
            Step::Leave { unless: place },
            Step::If { condition: place },
            Step::Repeat { extent: Extent(&[0, 2]) },
            Step::End,
            Step::Else,
            Step::End,
            Step::End,
        ];
        assert_eq!(partners(&steps), [7, 0, 5, 4, 3, 6, 2, 0]);
    }
}
