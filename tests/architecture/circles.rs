//! Circles: files that use each other, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    graph::{self, Arrow},
    package::Package,
};

/// One refusal for each group of files that can all be reached from each other, with the arrows in it.
pub(crate) fn refusals(package: &Package) -> Vec<String> {
    let arrows: Vec<(Arrow, String)> = graph::arrows(package)
        .into_iter()
        .filter(|arrow| !is_within_one_idea(arrow))
        .map(|arrow| {
            let to = package.modules[&arrow.to].file.clone();
            (arrow, to)
        })
        .collect();
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (arrow, to) in &arrows {
        next.entry(&arrow.file).or_default().insert(to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reachable(&next, file))).collect();
    let circles: BTreeSet<BTreeSet<&str>> = reach
        .iter()
        .filter(|(file, reached)| reached.contains(*file))
        .map(|(file, reached)| {
            reached.iter().copied().filter(|other| reach.get(other).is_some_and(|back| back.contains(file))).collect()
        })
        .collect();
    circles.iter().map(|files| tell(files, &arrows)).collect()
}

/// Whether the arrow leads from a file to the module that it is a part of, or from a middleware's service to its layer, as
/// tower's `Foo::layer()` does.
fn is_within_one_idea(arrow: &Arrow) -> bool {
    let [.., from] = &arrow.from[..] else { return true };
    let beside =
        arrow.from.len() == arrow.to.len() && arrow.from[..arrow.from.len() - 1] == arrow.to[..arrow.to.len() - 1];
    arrow.from.starts_with(&arrow.to)
        || (beside && from == "service" && arrow.to.last().is_some_and(|to| to == "layer"))
}

fn reachable<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for to in next.get(file).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}

fn tell(files: &BTreeSet<&str>, arrows: &[(Arrow, String)]) -> String {
    let mut refusal =
        format!("{} files use each other; move what both need into a file of its own, below both:\n", files.len());
    for (arrow, to) in arrows.iter().filter(|(arrow, to)| files.contains(&*arrow.file) && files.contains(&**to)) {
        refusal += &format!("    {}:{}: `{}` is in {to}\n", arrow.file, arrow.line, arrow.written);
    }
    refusal
}
