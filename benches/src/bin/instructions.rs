//! The instruction gate: counts what each operation executes, and fails when one has become dearer.
//!
//! Instructions do not depend on how busy the machine is, and repeat exactly. They do depend on the compiler, the processor's
//! architecture and the vectors that it has: those of AVX2, or fewer, as valgrind knows no wider ones. The committed numbers name theirs, and are held to 5 % there. Under another compiler they are held to 15 %, which
//! still finds an operation that does its work twice. On another architecture nothing can be compared.
//!
//! - `instructions check` counts and compares with `benches/instructions.txt`;
//! - `instructions renew` counts and writes that file: do it, and say why in the commit, when a number has to change;
//! - `instructions run OPERATION` is what is run inside valgrind.
//!
//! Exit code 0: no operation is too expensive; 1: one is; 2: nothing could be judged.

use active_requests_benches::operations::{ALL, Operation, Run};
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    process::{Command, ExitCode},
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// The share of the committed number by which an operation may exceed it, where the same compiler made both.
const TOLERANCE: f64 = 0.05;

/// The same where another compiler made the committed number.
const TOLERANCE_OF_ANOTHER_COMPILER: f64 = 0.15;

/// Why `check` has not passed.
enum NotPassed {
    /// At least one operation executes too many instructions.
    TooExpensive(String),
    /// Nothing can be said about the operations.
    Unknown(String),
}

impl From<String> for NotPassed {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

/// How often an operation is done before counting starts, so that the buffers that are kept have grown, and how often then. A shard adds
/// the figures of 64 ended requests up at a time: each count has as many of these sums as it has requests.
fn repetitions(operation: &Operation) -> (u64, u64) {
    if operation.frames <= 1 { (320, 64) } else { (3, 2) }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(),
        ["renew"] => renew().map_err(NotPassed::from),
        ["run", operation] => run(operation).map_err(NotPassed::from),
        _ => Err(NotPassed::Unknown("usage: instructions check | renew | run OPERATION".to_owned())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(NotPassed::TooExpensive(why)) => {
            eprintln!("{why}");
            ExitCode::from(1)
        }
        Err(NotPassed::Unknown(why)) => {
            eprintln!("nothing was judged: {why}");
            ExitCode::from(2)
        }
    }
}

fn check() -> Result<(), NotPassed> {
    let text = fs::read_to_string(COMMITTED).map_err(|error| format!("{COMMITTED}: {error}"))?;
    let made_with = made_with()?;
    let tolerance = tolerance(text.lines().next().unwrap_or_default(), &made_with)?;
    let committed: BTreeMap<&str, f64> = text.lines().filter_map(entry).collect();
    println!("{:<26}{:>12}{:>12}{:>9}", "instructions", "committed", "now", "ratio");
    let mut refused = Vec::new();
    for operation in ALL {
        let now = count(operation)?;
        let before = committed.get(operation.name).copied();
        let ratio = before.map_or(f64::NAN, |before| now / before);
        println!("{:<26}{:>12}{now:>12.0}{ratio:>9.3}", operation.name, before.map_or("-".into(), |n| n.to_string()));
        match before {
            None => refused.push(format!("{} has no committed number", operation.name)),
            Some(_) if ratio > 1.0 + tolerance => {
                refused.push(format!("{} executes {:.1} % more", operation.name, (ratio - 1.0) * 100.0));
            }
            Some(_) => {}
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(NotPassed::TooExpensive(format!(
        "at most {:.0} % more than the committed numbers is allowed: {}\n\
         Make it cheaper, or say in the commit why it has to cost more, with the numbers of `cargo run --release -p \
         active-requests-benches --bin instructions -- renew`.",
        tolerance * 100.0,
        refused.join(", ")
    )))
}

/// How much more than the committed numbers, made with `committed`, is allowed `here`.
fn tolerance(committed: &str, here: &str) -> Result<f64, String> {
    let architecture = |made_with: &str| made_with.split_whitespace().nth(1).map(str::to_owned);
    if architecture(committed) != architecture(here) {
        return Err(format!(
            "the committed numbers are of another architecture (\"{committed}\", here \"{here}\"): check on that one, or renew \
             them here to compare later states of this machine"
        ));
    }
    if committed == here {
        return Ok(TOLERANCE);
    }
    println!(
        "The committed numbers were made with another compiler (\"{committed}\", here \"{here}\"): they are held to {:.0} % instead \
         of {:.0} %.",
        TOLERANCE_OF_ANOTHER_COMPILER * 100.0,
        TOLERANCE * 100.0
    );
    Ok(TOLERANCE_OF_ANOTHER_COMPILER)
}

fn renew() -> Result<(), String> {
    let mut text = made_with()? + "\n";
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

/// The first line of the committed file: architecture, with the vectors it has where they make a difference, and compiler.
fn made_with() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc --version: {error}"))?;
    #[cfg(target_arch = "x86_64")]
    let vectors = if std::arch::is_x86_feature_detected!("avx2") { "+avx2" } else { "" };
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = "";
    Ok(format!("# {}{vectors} {}", std::env::consts::ARCH, String::from_utf8_lossy(&output.stdout).trim()))
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
        .map_err(|error| format!("valgrind cannot be started, install it (apt-get install valgrind): {error}"))?;
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
