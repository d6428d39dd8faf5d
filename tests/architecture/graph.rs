//! The arrows from file to file: who uses what is defined where.

use std::collections::BTreeMap;

use crate::package::{Import, Package};

/// A path in one file that leads to what is defined in another.
#[derive(Clone)]
pub(crate) struct Arrow {
    /// Modules by path from the root.
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub file: String,
    pub line: usize,
    pub written: String,
}

impl Arrow {
    /// The module at the crate's top that the arrow starts in; empty for the root.
    pub(crate) fn top(&self) -> &str {
        self.from.first().map_or("", String::as_str)
    }

    /// The module at the crate's top that the arrow leads to.
    pub(crate) fn target(&self) -> &str {
        self.to.first().map_or("", String::as_str)
    }
}

/// The arrows between different files, each told by its first line.
pub(crate) fn arrows(package: &Package) -> Vec<Arrow> {
    let mut found: BTreeMap<(String, Vec<String>), Arrow> = BTreeMap::new();
    for (at, module) in &package.modules {
        let imports = module.imports.iter().filter(|import| !hands_on_a_child(package, at, import));
        for written in imports.map(|import| &import.path).chain(&module.paths) {
            let Some(to) = leads_to(package, at, &written.segments) else { continue };
            if package.modules[&to].file != module.file {
                let (file, written_as) = (module.file.clone(), written.segments.join("::"));
                let arrow = Arrow { from: at.clone(), to: to.clone(), file, line: written.line, written: written_as };
                let first = found.entry((module.file.clone(), to)).or_insert_with(|| arrow.clone());
                if arrow.line < first.line {
                    *first = arrow;
                }
            }
        }
    }
    found.into_values().collect()
}

/// Whether `import`, in the module `at`, is `pub use self::child::Name`: that is how a module shows what its files define, and no
/// use of them.
fn hands_on_a_child(package: &Package, at: &[String], import: &Import) -> bool {
    import.is_public
        && absolute(package, at, &import.path.segments, DEPTH)
            .is_some_and(|path| path.len() > at.len() && path.starts_with(at))
}

/// How many re-exports are followed, one through the other.
const DEPTH: usize = 8;

/// The module that defines what `segments` mean in the module `at`. `None`: what is external, local or a module as such, whose
/// use is seen where something in it is named.
fn leads_to(package: &Package, at: &[String], segments: &[String]) -> Option<Vec<String>> {
    let path = absolute(package, at, segments, DEPTH)?;
    let (holder, rest) = enter(package, &path);
    rest.first()?;
    Some(definition(package, &path, DEPTH).unwrap_or(holder.to_vec()))
}

/// `segments`, as written in the module `at`, from the crate's root. `None`: they lead out of the crate, or are local.
fn absolute(package: &Package, at: &[String], segments: &[String], depth: usize) -> Option<Vec<String>> {
    let (first, rest) = segments.split_first()?;
    let module = package.modules.get(at)?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([at, rest].concat()),
        "super" => {
            let above = at.split_last()?.1;
            if rest.first().is_some_and(|next| next == "super") {
                return absolute(package, above, rest, depth);
            }
            Some([above, rest].concat())
        }
        // A single segment may be a variable.
        _ if module.children.contains(first) => (!rest.is_empty()).then(|| [at, segments].concat()),
        _ => {
            let depth = depth.checked_sub(1)?;
            let import = module.imports.iter().find(|import| import.name == *first)?;
            Some([absolute(package, at, &import.path.segments, depth)?, rest.to_vec()].concat())
        }
    }
}

/// Splits `path` into the module that it leads through and what it names in there.
fn enter<'a>(package: &Package, path: &'a [String]) -> (&'a [String], &'a [String]) {
    let modules = (0..=path.len()).rev().find(|&length| package.modules.contains_key(&path[..length])).unwrap_or(0);
    path.split_at(modules)
}

/// The module in which the item at `path` is defined, through re-exports. `None`: it is not found, or external.
fn definition(package: &Package, path: &[String], depth: usize) -> Option<Vec<String>> {
    let depth = depth.checked_sub(1)?;
    let (holder, rest) = enter(package, path);
    let module = &package.modules[holder];
    let (name, below) = rest.split_first()?;
    if module.items.contains(name) {
        return Some(holder.to_vec());
    }
    module.imports.iter().find_map(|import| {
        let through = match import.name.as_str() {
            "*" => [&absolute(package, holder, &import.path.segments, depth)?[..], rest].concat(),
            other if other == name => [&absolute(package, holder, &import.path.segments, depth)?[..], below].concat(),
            _ => return None,
        };
        definition(package, &through, depth)
    })
}
