//! Reads what one module's syntax tree holds.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::{Attribute, Item, UseTree, Visibility, visit::Visit};

use crate::package::{Import, Module, Name, Written};

/// Reads a module's `items`, and returns it with its child modules.
pub(crate) fn read(file: &str, items: &[Item]) -> (Module, Vec<syn::ItemMod>) {
    let mut reader = Reader { module: Module { file: file.to_owned(), ..Module::default() }, children: Vec::new() };
    items.iter().for_each(|item| reader.visit_item(item));
    (reader.module, reader.children)
}

struct Reader {
    module: Module,
    children: Vec<syn::ItemMod>,
}

impl Reader {
    fn import(&mut self, tree: &UseTree, is_public: bool, before: &[String]) {
        let (name, segment, line) = match tree {
            UseTree::Path(path) => {
                return self.import(&path.tree, is_public, &[before, &[path.ident.to_string()]].concat());
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, is_public, before));
            }
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string(), line(&name.ident)),
            UseTree::Rename(rename) => (rename.rename.to_string(), rename.ident.to_string(), line(&rename.ident)),
            UseTree::Glob(glob) => ("*".to_owned(), String::new(), glob.star_token.spans[0].start().line),
        };
        let mut segments = before.to_vec();
        let mut name = name;
        match segment.as_str() {
            // `use a::{self}` brings in `a`.
            "self" => name = before.last().cloned().unwrap_or_default(),
            "" => {}
            _ => segments.push(segment),
        }
        self.module.imports.push(Import { name, is_public, path: Written { segments, line } });
    }

    /// Reads the paths in a macro's input.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Option<Written> = None;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    let segment = ident.to_string();
                    match &mut path {
                        Some(path) if colons == 2 => path.segments.push(segment),
                        path => {
                            let line = line(&ident);
                            let before = path.replace(Written { segments: vec![segment], line });
                            self.module.paths.extend(before);
                        }
                    }
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.module.paths.extend(path.take());
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.module.paths.extend(path);
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        if let Item::Mod(module) = item {
            self.module.children.push(module.ident.to_string());
            self.children.push(module.clone());
            return;
        }
        if let Item::Use(item) = item {
            return self.import(&item.tree, !matches!(item.vis, Visibility::Inherited), &[]);
        }
        let (name, is_type) = match item {
            Item::Struct(item) => (Some(&item.ident), true),
            Item::Enum(item) => (Some(&item.ident), true),
            Item::Union(item) => (Some(&item.ident), true),
            Item::Trait(item) => (Some(&item.ident), true),
            Item::Type(item) => (Some(&item.ident), true),
            Item::Const(item) => (Some(&item.ident), false),
            Item::Static(item) => (Some(&item.ident), false),
            Item::Fn(item) => (Some(&item.sig.ident), false),
            Item::Macro(item) => (item.ident.as_ref(), false),
            _ => (None, false),
        };
        if let Some(name) = name {
            self.module.items.push(name.to_string());
            if is_type {
                self.module.types.push(Name { name: name.to_string(), line: line(name) });
            }
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'a syn::ImplItem) {
        let for_tests = matches!(item, syn::ImplItem::Fn(method) if is_for_tests(&method.attrs));
        if !for_tests {
            syn::visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.module.paths.push(Written { segments, line: line(&path.segments[0].ident) });
        syn::visit::visit_path(self, path);
    }

    // `pub(crate)` is no use of the root.
    fn visit_visibility(&mut self, _: &'a Visibility) {}

    fn visit_macro(&mut self, input: &'a syn::Macro) {
        self.visit_path(&input.path);
        // Such as `pin_project! { struct .. }`.
        match syn::parse2::<syn::File>(input.tokens.clone()) {
            Ok(file) if !file.items.is_empty() => {
                // Items go through `visit_item`, whose borrow has to end here.
                let mut inner = Reader { module: std::mem::take(&mut self.module), children: Vec::new() };
                file.items.iter().for_each(|item| inner.visit_item(item));
                self.module = inner.module;
            }
            _ => self.tokens(input.tokens.clone()),
        }
    }
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether one of `attributes` is a `cfg` that asks for `test` or `doctest`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| asks_for_test(list.tokens.clone()))
    })
}

fn asks_for_test(tokens: TokenStream) -> bool {
    let mut negated = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            negated = ident == "not";
            ident == "test" || ident == "doctest"
        }
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            !negated && asks_for_test(group.stream())
        }
        _ => false,
    })
}
