//! One short name for one type: what is told apart by its module alone has to be looked up at every use.

use std::collections::BTreeMap;

use crate::package::Package;

/// Names that tower's middlewares share by habit, each in its module.
const SHARED: [&str; 3] = ["Error", "ResponseBody", "ResponseFuture"];

pub(crate) fn refusals(package: &Package) -> Vec<String> {
    let mut defined: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for module in package.modules.values() {
        for name in &module.types {
            defined.entry(&name.name).or_default().push(format!("{}:{}", module.file, name.line));
        }
    }
    defined
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !SHARED.contains(name))
        .map(|(name, places)| {
            format!(
                "{}: `{name}` is a type's name at {} too: call one by what it is",
                places[0],
                places[1..].join(" and ")
            )
        })
        .collect()
}
