//! Settings as flags of a command line, and their manual.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::{Description, Given, Need, SettingsGroup};

/// The command whose help lists the settings beside the program's own help.
const RUN: &str = "run";

/// The settings of `S` as flags, to be flattened into a command line behind its commands. A flag may stand before or
/// after a command; only the program's own help and that of `run` list them all.
///
/// Environment variables are looked up here and not by clap, which would show each one that is set as a required part of
/// a usage line.
#[derive(Debug, Clone)]
pub struct Flags<S> {
    given: Given,
    settings: PhantomData<S>,
}

impl<S> Flags<S> {
    /// The settings as they were given: the flags, then this process's environment.
    pub fn given(&self) -> &Given {
        &self.given
    }
}

impl<S: SettingsGroup> FromArgMatches for Flags<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |name: &str| matches.get_one::<String>(&id(name)).cloned();
        let flags: BTreeMap<_, _> =
            S::list().iter().filter_map(|setting| Some((setting.name.to_owned(), text(setting.name)?))).collect();
        let env = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        Ok(Self { given: Given { flags, env: Arc::new(env) }, settings: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<S: SettingsGroup> Args for Flags<S> {
    fn augment_args(command: Command) -> Command {
        let flags: Vec<_> = S::list().iter().map(flag).collect();
        let commands: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let program = command.get_name().to_owned();
        let command = commands
            .iter()
            .filter(|name| *name != RUN)
            .fold(command, |command, name| command.mut_subcommand(name, |command| hide(&flags, command, &program)));
        command.args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Adds the flags to a command, which accepts them and does not list them. A command may have an argument of its own that
/// is called like a setting.
fn hide(flags: &[Arg], command: Command, program: &str) -> Command {
    let own: Vec<_> = command.get_arguments().map(|argument| argument.get_id().clone()).collect();
    let hidden = flags.iter().filter(|flag| !own.contains(flag.get_id())).map(|flag| flag.clone().hide(true));
    let hidden: Vec<_> = hidden.collect();
    command.args(hidden).after_help(format!("Settings are listed by `{program} --help`."))
}

fn flag(setting: &Description) -> Arg {
    let need = match setting.need {
        Need::Required => " [required]".to_owned(),
        Need::RequiredWith(key) => format!(" [required with {key}]"),
        Need::Optional => String::new(),
        Need::Default(text) => format!(" [default: {text}]"),
    };
    Arg::new(id(setting.name))
        .long(id(setting.name).replace('_', "-"))
        .value_name(setting.name)
        .help(format!("{}\n[env: {}]{need}", setting.help, setting.name))
        .help_heading(setting.heading)
        .next_line_help(true)
        .global(true)
}

/// What clap knows the flag by.
fn id(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser, Subcommand};

    use super::super::{default, required, text};
    use super::*;

    crate::settings! {
        /// Settings for the tests.
        struct Some under "Colours" {
            /// The colour of the first
            FIRST_COLOUR => first: String = default("red", text),
            /// The colour of the second
            SECOND_COLOUR => second: String = required(text),
        }
    }

    #[derive(Debug, Parser)]
    #[command(name = "painter", max_term_width = 100)]
    struct Line {
        #[command(subcommand)]
        command: Option<Paint>,
        #[command(flatten)]
        flags: Flags<Some>,
    }

    #[derive(Debug, Subcommand)]
    enum Paint {
        /// Paint all
        Run,
        /// Paint one
        One {
            which: String,
            /// Its own
            #[arg(long)]
            first_colour: Option<String>,
        },
    }

    fn read(line: &[&str]) -> Some {
        Some::load(Line::try_parse_from([&["painter"], line].concat()).unwrap().flags.given()).unwrap()
    }

    #[test]
    fn a_flag_may_stand_before_or_after_a_command() {
        Line::command().debug_assert();
        for line in [
            &["--second-colour=blue"][..],
            &["--second-colour=blue", "one", "x"],
            &["one", "x", "--second-colour=blue"],
        ] {
            let some = read(line);
            assert_eq!((some.first.as_str(), some.second.as_str()), ("red", "blue"), "{line:?}");
        }
    }

    #[test]
    fn the_program_and_run_list_the_settings_and_other_commands_do_not() {
        let help = Line::command().render_long_help().to_string();
        let entry = "The colour of the second\n          [env: SECOND_COLOUR] [required]";
        assert!(help.contains("Colours:") && help.contains(entry) && help.contains("[default: red]"), "{help}");
        let mut command = Line::command();
        command.build();
        let mut help_of = |name: &str| command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        assert!(help_of("run").contains("SECOND_COLOUR"));
        let help = help_of("one");
        assert!(!help.contains("SECOND_COLOUR") && help.contains("`painter --help`"), "{help}");
    }

    #[test]
    fn a_usage_line_shows_what_is_required_alone() {
        let wrong = Line::try_parse_from(["painter", "one", "--second-colour=blue"]).unwrap_err().to_string();
        assert!(wrong.contains("Usage: painter one <WHICH>\n"), "{wrong}");
    }
}
