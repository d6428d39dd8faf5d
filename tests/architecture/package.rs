//! One crate's source, read module by module from its root.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::Item;

use crate::reader;

/// The modules of one crate, without those that are compiled for tests only.
pub(crate) struct Package {
    /// By path from the root: the root's own is empty.
    pub modules: BTreeMap<Vec<String>, Module>,
}

/// One module: a file, or a `mod name { .. }` inside of one.
#[derive(Default)]
pub(crate) struct Module {
    /// From the workspace's root.
    pub file: String,
    /// Names of the modules declared in it.
    pub children: Vec<String>,
    /// Names of the items defined in it, but for modules.
    pub items: Vec<String>,
    /// Structs, enums, unions, traits and type aliases defined in it.
    pub types: Vec<Name>,
    pub imports: Vec<Import>,
    /// Paths written outside of `use` declarations.
    pub paths: Vec<Written>,
}

pub(crate) struct Name {
    pub name: String,
    pub line: usize,
}

/// A path as it is written.
pub(crate) struct Written {
    pub segments: Vec<String>,
    pub line: usize,
}

/// One name brought in by `use`.
pub(crate) struct Import {
    /// `*` for a glob.
    pub name: String,
    /// Whether it is handed on: `pub use`.
    pub is_public: bool,
    pub path: Written,
}

impl Package {
    /// Reads the crates of the package in `folder`: its library under its own paths, its programs under their names.
    pub(crate) fn read(folder: &str) -> Self {
        let mut package = Self { modules: BTreeMap::new() };
        for root in roots(Path::new(folder)) {
            let directory = root.parent().unwrap_or(Path::new("")).to_owned();
            let is_library = root.ends_with("src/lib.rs");
            let at = if is_library { Vec::new() } else { vec![root.display().to_string()] };
            package.read_file(at, &root, &directory);
        }
        assert!(!package.modules.is_empty(), "{folder} holds no package");
        package
    }

    /// Reads the module `path` from `file`; `directory` is where its child modules are.
    fn read_file(&mut self, path: Vec<String>, file: &Path, directory: &Path) {
        let text =
            fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_module(path, &file.display().to_string(), directory, &parsed.items);
    }

    fn read_module(&mut self, path: Vec<String>, file: &str, directory: &Path, items: &[Item]) {
        let (module, children) = reader::read(file, items);
        self.modules.insert(path.clone(), module);
        for child in children {
            let name = child.ident.to_string();
            let path = [&path[..], std::slice::from_ref(&name)].concat();
            let below = directory.join(&name);
            match child.content {
                Some((_, items)) => self.read_module(path, file, &below, &items),
                None => {
                    let flat = directory.join(format!("{name}.rs"));
                    let file = if workspace().join(&flat).exists() { flat } else { below.join("mod.rs") };
                    self.read_file(path, &file, &below);
                }
            }
        }
    }
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The roots of the crates of the package in `folder`.
fn roots(folder: &Path) -> Vec<PathBuf> {
    rust_files_in(&folder.join("src"))
        .into_iter()
        .filter(|file| {
            let below = file.strip_prefix(folder).unwrap_or(file);
            let is_program =
                below.starts_with("src/bin") && (below.components().count() == 3 || below.ends_with("main.rs"));
            is_program || below == Path::new("src/lib.rs") || below == Path::new("src/main.rs")
        })
        .collect()
}

/// Every file of Rust in the package in `folder`; of the library those in `src`.
pub(crate) fn rust_files(folder: &str) -> Vec<PathBuf> {
    rust_files_in(Path::new(if folder.is_empty() { "src" } else { folder }))
}

fn rust_files_in(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(workspace().join(folder))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok().map(|entry| folder.join(entry.file_name())))
        .collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|entry| match entry.extension() {
            Some(extension) if extension == "rs" => vec![entry],
            _ if workspace().join(&entry).is_dir() => rust_files_in(&entry),
            _ => Vec::new(),
        })
        .collect()
}
