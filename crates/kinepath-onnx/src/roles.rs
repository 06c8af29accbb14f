//! Which input or output of a graph plays which role.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::{Element, Port, Problem};

/// Why a port was given its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has one of the role's usual names.
    Name,
    /// It is the only one left whose rank and type fit.
    OnlyFit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "by its name",
            Self::OnlyFit => "the only one that fits",
        })
    }
}

/// A role an input can play: what to call it and how to know it.
pub(crate) struct InputRole {
    pub(crate) role: &'static str,
    /// What the role demands, for messages.
    pub(crate) expected: &'static str,
    names: &'static [&'static str],
    /// Element types in order of preference where names say nothing.
    elements: &'static [fn(Element) -> bool],
    ranks: RangeInclusive<usize>,
}

pub(crate) const STATE: InputRole = InputRole {
    role: "state",
    expected: "float of shape [batch, …] with every length but the batch fixed; export it so, or \
               tell its shape, which `kinepath inspect --write --shape` keeps beside it",
    names: &[
        "x",
        "x_t",
        "xt",
        "sample",
        "input",
        "hidden_states",
        "image",
        "images",
        "latent",
        "latents",
        "pixel_values",
    ],
    elements: &[Element::is_float],
    ranks: 2..=usize::MAX,
};

pub(crate) const TIME: InputRole = InputRole {
    role: "time",
    expected: "a float or integer of shape [batch], [1] or []",
    names: &["t", "timestep", "timesteps", "time", "times", "sigma", "sigmas"],
    elements: &[Element::is_float, Element::is_integer],
    ranks: 0..=1,
};

pub(crate) const LABEL: InputRole = InputRole {
    role: "label",
    expected: "an integer of shape [batch], [1] or [], or one-hot numbers [batch, classes]",
    names: &["y", "label", "labels", "class", "classes", "class_label", "class_labels"],
    elements: &[Element::is_integer],
    ranks: 0..=1,
};

pub(crate) const TOKENS: InputRole = InputRole {
    role: "tokens",
    expected: "an integer of shape [batch, length]",
    names: &["input_ids", "ids", "tokens", "token_ids", "text"],
    elements: &[Element::is_integer],
    ranks: 2..=2,
};

pub(crate) const MASK: InputRole = InputRole {
    role: "attention mask",
    expected: "an integer of the shape of the tokens",
    names: &["attention_mask", "mask"],
    elements: &[Element::is_integer],
    ranks: 2..=2,
};

impl InputRole {
    /// The position in `ports` of the input that has this role, if any: by name first, otherwise
    /// the only port not yet `taken` that fits.
    pub(crate) fn find(
        &self,
        ports: &[Port],
        taken: &[usize],
    ) -> Result<Option<(usize, Reason)>, Problem> {
        let free = |i: &usize| !taken.contains(i);
        let named: Vec<_> =
            (0..ports.len()).filter(free).filter(|&i| is_named(&ports[i], self.names)).collect();
        let (found, reason) = if named.is_empty() {
            let fitting = |is_preferred: &fn(Element) -> bool| -> Vec<usize> {
                let fits = |port: &Port| {
                    is_preferred(port.element)
                        && port.rank().is_some_and(|rank| self.ranks.contains(&rank))
                };
                (0..ports.len()).filter(free).filter(|&i| fits(&ports[i])).collect()
            };
            let tried = self.elements.iter().map(fitting);
            (tried.into_iter().find(|found| !found.is_empty()), Reason::OnlyFit)
        } else {
            (Some(named), Reason::Name)
        };
        let found = found.unwrap_or_default();
        match found[..] {
            [] => Ok(None),
            [only] => Ok(Some((only, reason))),
            _ => Err(Problem::Ambiguous {
                role: self.role,
                candidates: list(found.iter().map(|&i| &ports[i])),
                names: alternatives(self.names),
            }),
        }
    }

    /// Whether one of `ports` carries a name of this role.
    pub(crate) fn is_named_in(&self, ports: &[Port]) -> bool {
        ports.iter().any(|port| is_named(port, self.names))
    }

    /// Whether this role can have elements of this type.
    pub(crate) fn takes(&self, element: Element) -> bool {
        self.elements.iter().any(|is_preferred| is_preferred(element))
    }

    /// What to say of a port that has the role but cannot fill it.
    pub(crate) fn unfit(&self, port: &Port) -> Problem {
        Problem::Unfit { input: port.to_string(), role: self.role, expected: self.expected }
    }
}

/// A role an output can play.
pub(crate) struct OutputRole {
    pub(crate) role: &'static str,
    names: &'static [&'static str],
}

pub(crate) const VELOCITY: OutputRole = OutputRole {
    role: "velocity",
    names: &["velocity", "v", "out_sample", "output", "sample", "out", "prediction"],
};

pub(crate) const PICTURE: OutputRole = OutputRole {
    role: "picture",
    names: &["sample", "image", "images", "decoded", "reconstruction", "pixel_values", "output"],
};

pub(crate) const LOGITS: OutputRole = OutputRole { role: "logits", names: &["logits", "logit"] };

pub(crate) const FEATURES: OutputRole = OutputRole {
    role: "features",
    // What is before the projection into a joint space comes last.
    names: &[
        "features",
        "feature",
        "embedding",
        "embeddings",
        "image_embeds",
        "image_embeddings",
        "image_features",
        "pooler_output",
    ],
};

pub(crate) const TEXT_FEATURES: OutputRole = OutputRole {
    role: "text features",
    names: &[
        "text_embeds",
        "text_embeddings",
        "text_features",
        "features",
        "embedding",
        "embeddings",
        "sentence_embedding",
        "pooler_output",
    ],
};

impl OutputRole {
    /// The position in `ports` of the output that has this role: by name, otherwise the only one.
    pub(crate) fn find(&self, ports: &[Port]) -> Result<(usize, Reason), Problem> {
        let named = |names: &[&str]| ports.iter().position(|port| is_named(port, names));
        // The lists of names are in order of preference.
        let by_name = self.names.iter().find_map(|name| named(&[name]));
        match (by_name, ports) {
            (Some(found), _) => Ok((found, Reason::Name)),
            (None, [_]) => Ok((0, Reason::OnlyFit)),
            _ => Err(Problem::NoOutput {
                role: self.role,
                outputs: list(ports),
                names: alternatives(self.names),
            }),
        }
    }
}

/// What to say of a graph that takes images and text at once. A time makes it a field, of which
/// text is a condition.
pub(crate) fn joint(ports: &[Port]) -> Option<Problem> {
    let named = |role: &InputRole| ports.iter().find(|port| is_named(port, role.names));
    match (named(&STATE), named(&TOKENS), named(&TIME)) {
        (Some(image), Some(text), None) => {
            Some(Problem::Joint { image: image.to_string(), text: text.to_string() })
        }
        _ => None,
    }
}

fn is_named(port: &Port, names: &[&str]) -> bool {
    names.iter().any(|name| port.name.eq_ignore_ascii_case(name))
}

/// The ports as a person would list them.
pub(crate) fn list<'a>(ports: impl IntoIterator<Item = &'a Port>) -> String {
    let ports: Vec<_> = ports.into_iter().map(|port| format!("`{port}`")).collect();
    if ports.is_empty() { "none".into() } else { ports.join(", ") }
}

fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Axis;

    fn port(name: &str, element: Element, rank: usize) -> Port {
        let shape = (0..rank).map(|i| if i == 0 { Axis::Free("b".into()) } else { Axis::Fixed(4) });
        Port { name: name.into(), element, shape: Some(shape.collect()) }
    }

    #[test]
    fn a_name_wins_over_position() {
        let ports = [
            port("y", Element::Int64, 1),
            port("Timestep", Element::Int64, 1),
            port("Sample", Element::Float32, 4),
        ];
        assert_eq!(STATE.find(&ports, &[]), Ok(Some((2, Reason::Name))));
        assert_eq!(TIME.find(&ports, &[2]), Ok(Some((1, Reason::Name))));
        assert_eq!(LABEL.find(&ports, &[2, 1]), Ok(Some((0, Reason::Name))));
    }

    #[test]
    fn rank_and_type_decide_where_names_say_nothing() {
        let ports = [port("arg1", Element::Float32, 1), port("arg0", Element::Float32, 4)];
        assert_eq!(STATE.find(&ports, &[]), Ok(Some((1, Reason::OnlyFit))));
        assert_eq!(TIME.find(&ports, &[1]), Ok(Some((0, Reason::OnlyFit))));
        assert_eq!(LABEL.find(&ports, &[0, 1]), Ok(None));
    }

    #[test]
    fn a_float_is_a_time_before_an_integer_is() {
        let ports = [port("a", Element::Int64, 1), port("b", Element::Float32, 1)];
        assert_eq!(TIME.find(&ports, &[]), Ok(Some((1, Reason::OnlyFit))));
        assert_eq!(TIME.find(&ports[..1], &[]), Ok(Some((0, Reason::OnlyFit))));
    }

    #[test]
    fn two_candidates_are_no_guess() {
        let ports = [port("a", Element::Float32, 4), port("b", Element::Float32, 2)];
        let Err(Problem::Ambiguous { role, candidates, .. }) = STATE.find(&ports, &[]) else {
            panic!("took one of two");
        };
        assert_eq!(role, "state");
        assert_eq!(candidates, "`a: float32 [b, 4, 4, 4]`, `b: float32 [b, 4]`");
    }

    #[test]
    fn outputs_go_by_name_unless_there_is_one() {
        let two = [port("features", Element::Float32, 2), port("logits", Element::Float32, 2)];
        assert_eq!(LOGITS.find(&two), Ok((1, Reason::Name)));
        assert_eq!(FEATURES.find(&two), Ok((0, Reason::Name)));
        assert!(matches!(VELOCITY.find(&two), Err(Problem::NoOutput { role: "velocity", .. })));
        assert_eq!(VELOCITY.find(&two[..1]), Ok((0, Reason::OnlyFit)));
    }
}
