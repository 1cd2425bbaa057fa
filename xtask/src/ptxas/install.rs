//! NVIDIA's assembler, from the package that carries it.
//!
//! In: a folder.   Out: the path of `ptxas`, which is in that folder afterwards.
//!
//! The package is fetched by `pip` as it is, without what it asks for: the assembler needs glibc and nothing else.
//! Its version is fixed: older drivers refuse newer PTX, and so does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package.
const PACKAGE: &str = "nvidia-cuda-nvcc==13.0.88";
/// Where the assembler is in it.
const INSIDE: &str = "nvidia/cu13/bin/ptxas";

/// What can be done by hand.
const HELP: &str = "\
  help: install Python 3 with pip, and let it reach its package index; on Debian: apt install python3-pip
        or unpack the package into `target/ptx/ptxas` yourself, so that `target/ptx/ptxas/nvidia/cu13/bin/ptxas` is there";

/// The ways to call pip, in the order in which they are tried.
const PIPS: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"]];

/// The path of the assembler; it is fetched if it is not there.
pub(super) fn ptxas(folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.join("ptxas");
    let assembler = folder.join(INSIDE);
    if runs(&assembler) {
        return Ok(assembler);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let missing =
        |what: String| format!("there is no ptxas, and it cannot be fetched\n{what}\n{HELP}");
    fetch(&folder).map_err(missing)?;
    let wheel = fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let wheel = wheel
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .ok_or_else(|| missing("pip says that it did, but left no package".to_owned()))?;
    unpack(&wheel, &folder).map_err(missing)?;
    let _ = fs::remove_file(wheel);
    make_executable(&assembler).map_err(|error| missing(error.to_string()))?;
    if runs(&assembler) {
        return Ok(assembler);
    }
    Err(missing(format!("{} does not run on this machine", assembler.display())))
}

fn runs(assembler: &Path) -> bool {
    Command::new(assembler).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn fetch(folder: &Path) -> Result<(), String> {
    let mut failures = Vec::new();
    for pip in PIPS {
        let (program, arguments) = (pip[0], &pip[1..]);
        let output = Command::new(program)
            .args(arguments)
            .args(["download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"])
            .args(["--no-deps", "--only-binary", ":all:", PACKAGE, "--dest"])
            .arg(folder)
            .output();
        let what = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        failures.push(format!("  {}: {what}", pip.join(" ")));
    }
    Err(failures.join("\n"))
}

/// A wheel is a zip file, and where pip is there is a Python that opens it.
fn unpack(wheel: &Path, folder: &Path) -> Result<(), String> {
    let mut failures = Vec::new();
    for python in ["python3", "python"] {
        let mut command = Command::new(python);
        let output = command.args(["-m", "zipfile", "-e"]).args([wheel, folder]).output();
        let what = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        failures.push(format!("  {python}: {what}"));
    }
    Err(failures.join("\n"))
}

#[cfg(unix)]
fn make_executable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &Path) -> std::io::Result<()> {
    Ok(())
}
