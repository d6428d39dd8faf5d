//! Has the dashboard compiled anew when a file comes or goes: the files themselves are watched by the compiler, their list is not.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A path that does not exist would count as changed at every build, so the grid's directory is named only once it is there.
    let vendor = if std::path::Path::new("assets/vendor").exists() { "assets/vendor" } else { "assets" };
    for directory in ["assets/dashboard", "assets/sse", vendor] {
        println!("cargo:rerun-if-changed={directory}");
    }
}
