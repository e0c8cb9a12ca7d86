//! Enums whose variants are words. A word has one spelling in tables, JSON, settings and logs: the variant's name in
//! snake case.

/// Declares an enum of words. Serde, [`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr), `as_str` and `parse`
/// spell a variant alike, and `ALL` lists the variants. A crate that uses this macro depends on `serde` and `strum`.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($variants:tt)* }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        $visibility enum $name { $($variants)* }

        impl $name {
            /// Every variant, in the order of their declaration.
            $visibility const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The variant's word.
            $visibility fn as_str(self) -> &'static str {
                self.into()
            }

            /// The variant whose word this is.
            $visibility fn parse(word: &str) -> Option<Self> {
                word.parse().ok()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    words! {
        /// Two words of more than one part.
        #[derive(Default)]
        enum Sample {
            #[default]
            PhysicalSim,
            TopUp,
        }
    }

    #[test]
    fn a_word_has_one_spelling() {
        assert_eq!(Sample::ALL, [Sample::PhysicalSim, Sample::TopUp]);
        for (variant, word) in [(Sample::PhysicalSim, "physical_sim"), (Sample::TopUp, "top_up")] {
            assert_eq!((variant.as_str(), variant.to_string().as_str()), (word, word));
            assert_eq!(Sample::parse(word), Some(variant));
            assert_eq!(serde_json::to_value(variant).unwrap(), json!(word));
            assert_eq!(serde_json::from_value::<Sample>(json!(word)).unwrap(), variant);
        }
        assert_eq!(Sample::parse("TopUp"), None);
    }
}
