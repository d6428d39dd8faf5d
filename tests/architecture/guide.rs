//! The table "Where things are" in the crate's documentation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    graph,
    package::{Package, workspace},
};

pub(crate) fn refusals(package: &Package) -> Vec<String> {
    let mut uses: BTreeMap<&str, BTreeSet<String>> =
        package.modules[&Vec::new()].children.iter().map(|child| (child.as_str(), BTreeSet::new())).collect();
    for arrow in graph::arrows(package) {
        if let Some(uses) = uses.get_mut(arrow.top()).filter(|_| arrow.top() != arrow.target()) {
            uses.insert(arrow.target().to_owned());
        }
    }
    let root = &package.modules[&Vec::new()].file;
    let table = table(root);
    let missing = uses
        .iter()
        .filter(|(module, _)| !table.contains_key(**module))
        .map(|(module, uses)| format!("{root}: the table lacks a row for `{module}`, which stands on {}", list(uses)));
    let wrong = table.iter().filter_map(|(module, (line, told))| match uses.get(module.as_str()) {
        None => Some(format!("{root}:{line}: there is no module `{module}`: take the row out")),
        Some(uses) if uses != told => {
            Some(format!("{root}:{line}: `{module}` stands on {}, not on {}", list(uses), list(told)))
        }
        Some(_) => None,
    });
    missing.chain(wrong).collect()
}

/// The table's rows: module, then its line and the modules that it is said to stand on.
fn table(root: &str) -> BTreeMap<String, (usize, BTreeSet<String>)> {
    let text = fs::read_to_string(workspace().join(root)).expect("the root is there: it has been read");
    let rows = text.lines().enumerate().skip_while(|(_, line)| *line != "//! # Where things are");
    rows.skip(1)
        .take_while(|(_, line)| !line.starts_with("//! # "))
        .filter_map(|(number, line)| {
            let cells: Vec<&str> = line.strip_prefix("//! |")?.split('|').collect();
            let module = names(cells.first()?).into_iter().next()?;
            Some((module, (number + 1, names(cells.get(2)?))))
        })
        .collect()
}

/// The words in backticks.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn list(modules: &BTreeSet<String>) -> String {
    if modules.is_empty() {
        return "nothing".to_owned();
    }
    modules.iter().map(|module| format!("`{module}`")).collect::<Vec<_>>().join(", ")
}
