//! The library's dependencies, as cargo resolves them.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Command,
};

use serde_json::Value;

/// Builds of the models only.
const LOOM: &str = "cfg(active_requests_loom)";

#[test]
fn no_dependency_asks_for_a_newer_compiler_than_the_library() {
    let metadata = metadata();
    let promised = version(env!("CARGO_PKG_RUST_VERSION"));
    let newer: Vec<String> = dependencies(&metadata)
        .into_iter()
        .filter_map(|package| {
            let needs = package["rust_version"].as_str()?;
            let told = format!("{} {} needs Rust {needs}", package["name"], package["version"]);
            (version(needs) > promised).then_some(told)
        })
        .collect();
    assert!(
        newer.is_empty(),
        "`rust-version` promises {}: take older versions (cargo update NAME --precise ..) or raise it: {newer:#?}",
        env!("CARGO_PKG_RUST_VERSION")
    );
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--all-features", "--locked", "--filter-platform", &host()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The target that the tests are built for, and whose dependencies are there.
fn host() -> String {
    let rustc = env::var("RUSTC").unwrap_or("rustc".to_owned());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// The packages that a user of the library compiles.
fn dependencies(metadata: &Value) -> Vec<&Value> {
    let packages: BTreeMap<&str, &Value> = by_id(&metadata["packages"]);
    let nodes: BTreeMap<&str, &Value> = by_id(&metadata["resolve"]["nodes"]);
    let root = metadata["resolve"]["root"].as_str().unwrap();
    let mut reached = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let is_compiled = kinds.iter().any(|kind| kind["kind"] != "dev" && kind["target"] != LOOM);
            let id = dependency["pkg"].as_str().unwrap();
            if is_compiled && reached.insert(id) {
                open.push(id);
            }
        }
    }
    assert!(reached.len() > 20, "the library has more dependencies than {reached:?}");
    reached.into_iter().map(|id| packages[id]).collect()
}

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    list.as_array().unwrap().iter().map(|entry| (entry["id"].as_str().unwrap(), entry)).collect()
}

/// `1.89` and `1.89.0` are the same compiler.
fn version(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}
