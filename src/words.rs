//! Enums that are one word on the wire.

/// Gives an enum its words, which stand in the order of its variants: `as_str`, `Display` and `Serialize`.
macro_rules! words {
    ($name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $name {
            /// All variants, in the order of their numbers.
            #[allow(dead_code, reason = "not every enum is gone through")]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
