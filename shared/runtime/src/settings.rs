//! Settings: each is an environment variable, and the flag of the same name. The macro [`settings!`](crate::settings)
//! writes one down in a line, with its default, its form and its help. A program reads all of them before it starts, so
//! that every wrong one is reported at once, by name.

mod flags;
mod forms;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

pub use flags::Flags;
pub use forms::{count, duration, listen, path, text};

/// A group of settings that are read together.
pub trait SettingsGroup: Sized {
    /// Descriptions of all settings, in the order of the manual.
    fn list() -> Vec<Description>;

    /// Reads and checks every setting, and notes every problem.
    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted>;

    /// Like `read`; the error holds all problems.
    fn load(given: &Given) -> Result<Self, WrongSettings> {
        check(|problems| Self::read(given, problems))
    }
}

impl<A: SettingsGroup, B: SettingsGroup> SettingsGroup for (A, B) {
    fn list() -> Vec<Description> {
        [A::list(), B::list()].concat()
    }

    fn read(given: &Given, problems: &mut Problems) -> Result<Self, Noted> {
        let (a, b) = (A::read(given, problems), B::read(given, problems));
        Ok((a?, b?))
    }
}

/// Runs `read`; the error holds all problems that it noted.
pub fn check<T>(read: impl FnOnce(&mut Problems) -> Result<T, Noted>) -> Result<T, WrongSettings> {
    let mut problems = Problems::default();
    match read(&mut problems) {
        Ok(value) if problems.0.is_empty() => Ok(value),
        Ok(_) | Err(Noted(())) => Err(WrongSettings(problems.0)),
    }
}

/// The texts of settings as the operator gave them: a flag counts before an environment variable.
#[derive(Clone)]
pub struct Given {
    flags: BTreeMap<String, String>,
    env: Env,
}

/// Looks up an environment variable.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Given {
    /// Settings without any flag. `env` looks up environment variables.
    pub fn from_env(env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { flags: BTreeMap::new(), env: Arc::new(env) }
    }

    /// The text of a setting. An empty text counts as unset.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.flags.get(name).cloned().or_else(|| (self.env)(name));
        text.filter(|text| !text.trim().is_empty())
    }

    /// The environment that the settings come from; a file of settings may refer to more of its variables.
    pub fn env(&self) -> &Env {
        &self.env
    }
}

impl fmt::Debug for Given {
    /// Without the texts, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("flags", &self.flags.keys()).finish_non_exhaustive()
    }
}

/// Problems with settings, collected while they are read.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

/// Proof that [`Problems`] holds the reason why a value is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted(());

/// Everything that is wrong with the settings.
#[derive(Debug, Error)]
pub struct WrongSettings(Vec<String>);

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was started, because the settings are wrong:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl Problems {
    /// Notes a problem with the setting `name`.
    pub fn add(&mut self, name: &str, problem: impl fmt::Display) -> Noted {
        self.0.push(format!("{name}: {problem}"));
        Noted(())
    }

    /// Notes several problems with the setting `name`.
    pub fn add_all(&mut self, name: &str, problems: impl IntoIterator<Item = impl fmt::Display>) -> Noted {
        self.0.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
        Noted(())
    }

    /// Notes the error, if `value` is one.
    pub fn take<T>(&mut self, name: &str, value: Result<T, impl fmt::Display>) -> Result<T, Noted> {
        value.map_err(|problem| self.add(name, problem))
    }
}

/// How one setting is read. Made by [`required`], [`optional`], [`or_default`] or [`default`].
pub struct Setting<T> {
    absent: Absent<T>,
    form: Box<Form<T>>,
}

/// Reads a value from its text. The error says what the text must be, and does not quote it.
type Form<T> = dyn Fn(&str) -> Result<T, String>;

/// The meaning of a setting that is not given.
enum Absent<T> {
    Problem,
    Value(fn() -> T),
    /// A text that counts as given.
    Default(&'static str),
}

/// A setting that must be given.
pub fn required<T>(form: impl Fn(&str) -> Result<T, String> + 'static) -> Setting<T> {
    Setting { absent: Absent::Problem, form: Box::new(form) }
}

/// A setting that may be absent.
pub fn optional<T>(form: impl Fn(&str) -> Result<T, String> + 'static) -> Setting<Option<T>> {
    Setting { absent: Absent::Value(|| None), form: Box::new(move |text| form(text).map(Some)) }
}

/// A setting that may be absent, and then has the default of its type.
pub fn or_default<T: Default>(form: impl Fn(&str) -> Result<T, String> + 'static) -> Setting<T> {
    Setting { absent: Absent::Value(T::default), form: Box::new(form) }
}

/// A setting with a default. A secret has none: the types that hide secrets can't be compared.
pub fn default<T: PartialEq>(default: &'static str, form: impl Fn(&str) -> Result<T, String> + 'static) -> Setting<T> {
    Setting { absent: Absent::Default(default), form: Box::new(form) }
}

impl<T> Setting<T> {
    /// Reads the value, or notes what is wrong with it.
    pub fn read(&self, name: &str, given: &Given, problems: &mut Problems) -> Result<T, Noted> {
        match (given.text(name), &self.absent) {
            (Some(text), _) => problems.take(name, (self.form)(&text)),
            (None, Absent::Default(text)) => problems.take(name, (self.form)(text)),
            (None, Absent::Value(value)) => Ok(value()),
            (None, Absent::Problem) => Err(problems.add(name, "it is required and not set")),
        }
    }

    /// Describes it for the manual. `help` is a doc comment, line by line; with `only_with`, the setting counts only if
    /// that one is given.
    pub fn describe(
        &self,
        name: &'static str,
        heading: &'static str,
        only_with: Option<&'static str>,
        help: &[&str],
    ) -> Description {
        let help: Vec<_> = help.iter().map(|line| line.trim()).collect();
        let need = match self.absent {
            Absent::Problem => match only_with.filter(|key| *key != name) {
                Some(key) => Need::RequiredWith(key),
                None if only_with.is_some() => Need::Optional,
                None => Need::Required,
            },
            Absent::Value(_) => Need::Optional,
            Absent::Default(text) => Need::Default(text),
        };
        Description { name, heading, need, help: help.join(" ") }
    }
}

impl<T> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").finish_non_exhaustive()
    }
}

/// An entry of the manual.
#[derive(Debug, Clone)]
pub struct Description {
    /// Of the environment variable, such as `AMQP_URL`.
    pub name: &'static str,
    pub heading: &'static str,
    pub need: Need,
    pub help: String,
}

/// Whether a setting must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    /// Required if the named setting is given.
    RequiredWith(&'static str),
    Optional,
    Default(&'static str),
}

/// Declares a group of settings: its struct, with one field for each setting, and and
/// [`SettingsGroup`](crate::settings::SettingsGroup) for it. A line holds the environment variable, the field, its type, and how it is read; the doc comment is the help.
/// Each field has a function of its name, too, which reads that setting alone.
///
/// ```
/// use std::time::Duration;
/// use runtime::settings::{count, default, duration};
///
/// runtime::settings! {
///     /// How much at once, and how long things may take.
///     pub struct Limits under "Work" {
///         /// Batches applied side by side
///         LANES => lanes: u16 = default("4", count(64)),
///         /// How long a batch that is not full waits for more events
///         BATCH_LINGER => batch_linger: Duration = default("3ms", duration),
///     }
/// }
/// ```
///
/// A group that ends its head with `if NAME` counts only if that setting is given, and has a function `read_if_given`.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $visibility:vis struct $group:ident under $heading:literal $(if $key:ident)? {
            $($(#[doc = $help:literal])+ $name:ident => $field:ident: $type:ty = $setting:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        $visibility struct $group {
            $($(#[doc = $help])+ $visibility $field: $type,)+
        }

        impl $group {
            $(
                #[doc = concat!("Reads `", stringify!($name), "` alone.")]
                $visibility fn $field(
                    given: &$crate::settings::Given,
                    problems: &mut $crate::settings::Problems,
                ) -> ::std::result::Result<$type, $crate::settings::Noted> {
                    let setting: $crate::settings::Setting<$type> = $setting;
                    setting.read(stringify!($name), given, problems)
                }
            )+

            $(
                #[doc = concat!("Reads the group if `", stringify!($key), "` is given.")]
                $visibility fn read_if_given(
                    given: &$crate::settings::Given,
                    problems: &mut $crate::settings::Problems,
                ) -> ::std::result::Result<Option<Self>, $crate::settings::Noted> {
                    let is_given = given.text(stringify!($key)).is_some();
                    is_given.then(|| $crate::settings::SettingsGroup::read(given, problems)).transpose()
                }
            )?
        }

        impl $crate::settings::SettingsGroup for $group {
            fn list() -> Vec<$crate::settings::Description> {
                let only_with: Option<&'static str> = None$(.or(Some(stringify!($key))))?;
                vec![$({
                    let setting: $crate::settings::Setting<$type> = $setting;
                    setting.describe(stringify!($name), $heading, only_with, &[$($help),+])
                }),+]
            }

            fn read(
                given: &$crate::settings::Given,
                problems: &mut $crate::settings::Problems,
            ) -> ::std::result::Result<Self, $crate::settings::Noted> {
                // All are read before the first error returns, so that every problem is noted.
                $(let $field = Self::$field(given, problems);)+
                Ok(Self { $($field: $field?,)+ })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::settings! {
        /// Some settings.
        struct Some under "Some" {
            /// A number,
            /// on two lines
            NUMBER => number: u8 = default("7", count(10)),
            /// A word
            WORD => word: Option<String> = optional(text),
            /// Another
            NEEDED => needed: String = required(text),
        }
    }

    crate::settings! {
        /// More settings.
        struct More under "More" if PLACE {
            /// Where
            PLACE => place: String = required(text),
            /// Who
            NAME => name: String = required(text),
        }
    }

    fn given(texts: &'static [(&str, &str)]) -> Given {
        Given::from_env(|name| texts.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn a_setting_that_is_not_given_has_its_default() {
        let some = Some::load(&given(&[("NEEDED", "x")])).unwrap();
        assert_eq!((some.number, some.word, some.needed.as_str()), (7, None, "x"));
        let some = Some::load(&given(&[("NEEDED", "x"), ("NUMBER", "3"), ("WORD", "y")])).unwrap();
        assert_eq!((some.number, some.word.as_deref()), (3, Option::Some("y")));
    }

    #[test]
    fn all_problems_are_reported_at_once_by_name() {
        let text = Some::load(&given(&[("NUMBER", "x"), ("NEEDED", " ")])).unwrap_err().to_string();
        assert!(
            text.contains("NUMBER: it must be a whole number") && text.contains("NEEDED: it is required"),
            "{text}"
        );
        assert!(!text.contains("WORD"), "{text}");
    }

    #[test]
    fn an_optional_group_is_read_only_if_its_key_is_given() {
        let read = |texts| check(|problems| More::read_if_given(&given(texts), problems));
        assert!(read(&[("NAME", "x")]).unwrap().is_none());
        let more = read(&[("PLACE", "here"), ("NAME", "x")]).unwrap().unwrap();
        assert_eq!((more.place.as_str(), more.name.as_str()), ("here", "x"));
        assert!(read(&[("PLACE", "here")]).unwrap_err().to_string().contains("NAME: it is required"));
    }

    #[test]
    fn the_manual_says_what_must_be_given() {
        let listed = <(Some, More)>::list();
        let needs: Vec<_> = listed.iter().map(|setting| (setting.name, setting.need)).collect();
        let expected = [
            ("NUMBER", Need::Default("7")),
            ("WORD", Need::Optional),
            ("NEEDED", Need::Required),
            ("PLACE", Need::Optional),
            ("NAME", Need::RequiredWith("PLACE")),
        ];
        assert_eq!(needs, expected);
        assert_eq!(listed[0].help, "A number, on two lines");
    }
}
