//! The instruction gate: counts what each operation executes, and fails when one has become dearer.
//!
//! Instructions do not depend on how busy the machine is, and repeat exactly. They do depend on the compiler and the
//! processor's architecture, so the committed numbers name theirs, and other ones are only shown beside them.
//!
//! - `instructions check` counts and compares with `benches/instructions.txt`; exit code 1: more than 5 % above;
//! - `instructions renew` counts and writes that file: do it, and say why in the commit, when a number has to change;
//! - `instructions run OPERATION` is what is run inside valgrind.

use active_requests_benches::operations::{ALL, Operation, Run};
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    process::{Command, ExitCode},
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// How much more than the committed number an operation may execute.
const TOLERANCE: f64 = 1.05;

/// How often an operation is done before counting starts, so that the buffers that are kept have grown, and how often then.
fn repetitions(operation: &Operation) -> (u64, u64) {
    if operation.frames <= 1 { (300, 20) } else { (3, 2) }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(),
        ["renew"] => renew(),
        ["run", operation] => run(operation),
        _ => Err("usage: instructions check | renew | run OPERATION".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    let committed = fs::read_to_string(COMMITTED).map_err(|error| format!("{COMMITTED}: {error}"))?;
    let comparable = committed.lines().next() == Some(&made_with());
    let committed: BTreeMap<&str, f64> = committed.lines().filter_map(entry).collect();
    println!("{:<26}{:>12}{:>12}{:>9}", "instructions", "committed", "now", "ratio");
    let mut dearer = Vec::new();
    for operation in ALL {
        let now = count(operation)?;
        let before = committed.get(operation.name);
        let ratio = before.map_or(f64::NAN, |before| now / before);
        println!("{:<26}{:>12}{now:>12.0}{ratio:>9.3}", operation.name, before.map_or("-".into(), f64::to_string));
        // A number that is not committed is no gate.
        if before.is_none() || ratio > TOLERANCE {
            dearer.push(operation.name);
        }
    }
    if !comparable {
        println!(
            "nothing is judged: the committed numbers were made with another compiler or architecture than {}",
            made_with()
        );
        return Ok(());
    }
    if dearer.is_empty() {
        return Ok(());
    }
    Err(format!("more than 5 % above the committed numbers: {}", dearer.join(", ")))
}

fn renew() -> Result<(), String> {
    let mut text = made_with() + "\n";
    for operation in ALL {
        let _ = writeln!(text, "{} {:.0}", operation.name, count(operation)?);
    }
    print!("{text}");
    fs::write(COMMITTED, text).map_err(|error| format!("{COMMITTED}: {error}"))
}

fn entry(line: &str) -> Option<(&str, f64)> {
    let (name, number) = line.split_once(' ')?;
    Some((name, number.parse().ok()?))
}

/// The first line of the committed file.
fn made_with() -> String {
    let rustc = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    format!("# {} {}", std::env::consts::ARCH, String::from_utf8_lossy(&rustc).trim())
}

/// Instructions of doing `operation` once.
fn count(operation: &Operation) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--collect-atstart=no", "--toggle-collect=*measured*"])
        .arg(program)
        .args(["run", operation.name])
        // The C library chooses its memcpy by the processor; this one is there on all.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3,-Fast_Unaligned_Copy",
        )
        .output()
        .map_err(|error| format!("valgrind is needed (apt-get install valgrind): {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    collected
        .map(|collected| collected / repetitions(operation).1 as f64)
        .ok_or_else(|| format!("{}: {said}", operation.name))
}

fn run(name: &str) -> Result<(), String> {
    let operation = ALL.iter().find(|operation| operation.name == name).ok_or("no operation is called that")?;
    let (before, times) = repetitions(operation);
    let mut run = operation.prepare();
    for _ in 0..before {
        run();
    }
    measured(&mut run, times);
    Ok(())
}

#[inline(never)]
fn measured(run: &mut Run, times: u64) {
    for _ in 0..times {
        run();
    }
}
