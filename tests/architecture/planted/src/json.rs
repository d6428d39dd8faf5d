//! Uses a higher floor in a macro's input.

pub fn depth(value: &str) -> String {
    format!("{}", crate::tracker::Ring::new(value))
}

#[cfg(test)]
mod tests {
    use crate::stray;

    struct Slot;
}
