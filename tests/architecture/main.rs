//! The architecture, read from the source: which module may use which, no circles, one name per type, plain comments.
//!
//! The reader is simple. It follows `mod` declarations from a crate's root as the compiler does, leaves out what is compiled for
//! tests only, and reads `use` declarations and paths. It knows no types: a method call makes no arrow. Of a macro's input it
//! reads the items, or else the paths.

mod circles;
mod floors;
mod graph;
mod guide;
mod lines;
mod package;
mod reader;
mod type_names;

use std::{fs, sync::LazyLock};

use package::{Package, rust_files};

/// The folders of the workspace's packages; the library's is the root.
const PACKAGES: [&str; 6] =
    ["", "benches", "examples/chat", "examples/demo-provider", "examples/proxy", "fleet-faults"];

/// A small crate with one fault of each kind.
const PLANTED: &str = "tests/architecture/planted";

static LIBRARY: LazyLock<Package> = LazyLock::new(|| Package::read(""));

/// Fails with every refusal on a line of its own.
fn accept(refusals: Vec<String>) {
    assert!(refusals.is_empty(), "{} refused:\n\n{}\n", refusals.len(), refusals.join("\n"));
}

#[test]
fn a_module_uses_only_modules_of_lower_floors() {
    accept(floors::refusals(&LIBRARY));
}

#[test]
fn no_two_files_use_each_other() {
    accept(circles::refusals(&LIBRARY));
}

#[test]
fn the_guide_names_every_module_and_what_it_stands_on() {
    accept(guide::refusals(&LIBRARY));
}

#[test]
fn no_type_name_is_defined_twice_in_a_package() {
    accept(PACKAGES.iter().flat_map(|package| type_names::refusals(&Package::read(package))).collect());
}

#[test]
fn a_path_goes_up_one_module_at_most() {
    accept(
        PACKAGES.iter().flat_map(|package| rust_files(package)).flat_map(|file| lines::double_supers(&file)).collect(),
    );
}

#[test]
fn a_doc_comment_begins_with_its_subject() {
    accept(PACKAGES.iter().flat_map(|package| rust_files(package)).flat_map(|file| lines::riddles(&file)).collect());
}

/// Reads `planted/`, which nothing compiles.
#[test]
fn planted_faults_are_refused() {
    let planted = Package::read(PLANTED);
    let files = || rust_files(PLANTED).into_iter();
    let refusals = [
        floors::refusals(&planted),
        circles::refusals(&planted),
        guide::refusals(&planted),
        type_names::refusals(&planted),
        files().flat_map(|file| lines::double_supers(&file)).collect(),
        files().flat_map(|file| lines::riddles(&file)).collect(),
    ];
    let told = refusals.concat().join("\n").replace(&format!("{PLANTED}/src/"), "");
    assert_eq!(told.trim(), fs::read_to_string(format!("{PLANTED}/refusals.txt")).unwrap().trim());
}
