//! Rules that one line of source is enough for.

use std::{fs, path::Path};

use crate::package::workspace;

/// Beginnings of a relative clause, where the thing itself should be named.
const RIDDLES: [&str; 8] = ["Of", "Those", "What", "Whoever", "Who", "Whom", "So many", "Between"];

/// Doc comments that begin with one of [`RIDDLES`].
pub(crate) fn riddles(file: &Path) -> Vec<String> {
    let mut inside = false;
    scan(file, |line| {
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let begins = !std::mem::replace(&mut inside, text.is_some());
        let text = text.filter(|_| begins)?.trim_start();
        let riddle = RIDDLES
            .iter()
            .find(|riddle| text.strip_prefix(**riddle).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)))?;
        Some(format!(
            "the doc comment begins with \"{riddle}\": begin with the thing's name (\"The keys of ..\") or a verb (\"Counts ..\")"
        ))
    })
}

/// Paths through `super::super`.
pub(crate) fn double_supers(file: &Path) -> Vec<String> {
    scan(file, |line| {
        let found = !line.starts_with("//") && ["super::super", "super::{super"].iter().any(|path| line.contains(path));
        found.then(|| "the path goes up twice: write it from `crate::`".to_owned())
    })
}

fn scan(file: &Path, mut refuse: impl FnMut(&str) -> Option<String>) -> Vec<String> {
    let text = fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let refusals = text.lines().enumerate().filter_map(|(number, line)| Some((number, refuse(line.trim_start())?)));
    refusals.map(|(number, refusal)| format!("{}:{}: {refusal}", file.display(), number + 1)).collect()
}
