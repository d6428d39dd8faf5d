//! Setters of the public structs that may grow.

/// Defines setters: `field(value: Type) => expression` becomes `fn field(self, value: Type) -> Self`. With `const` in front,
/// they can be used in constants.
macro_rules! setters {
    (const $($(#[$doc:meta])* $field:ident($value:ident: $type:ty) => $expression:expr,)+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $field(mut self, $value: $type) -> Self {
                self.$field = $expression;
                self
            }
        )+
    };
    ($($(#[$doc:meta])* $field:ident($value:ident: $type:ty) => $expression:expr,)+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $field(mut self, $value: $type) -> Self {
                self.$field = $expression;
                self
            }
        )+
    };
}
