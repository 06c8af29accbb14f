use super::*;
use crate::Element;

fn graph(inputs: Vec<Port>) -> Graph {
    Graph { inputs, ..Graph::default() }
}

/// A port whose zero lengths are free axes.
fn port(name: &str, element: Element, shape: &[usize]) -> Port {
    let axis = |&n: &usize| if n == 0 { Axis::Free("n".into()) } else { Axis::Fixed(n) };
    Port { name: name.into(), element, shape: Some(shape.iter().map(axis).collect()) }
}

fn image() -> Port {
    port("x", Element::Float32, &[0, 3, 8, 8])
}

#[test]
fn image_time_and_label() {
    let time = port("t", Element::Int64, &[0]);
    let label = port("y", Element::Int64, &[0]);
    let signature = Signature::of(&graph(vec![label, time, image()])).unwrap();
    assert_eq!(signature.state.sample_shape, [3, 8, 8]);
    assert_eq!(signature.dim(), 192);
    assert_eq!(signature.batch, Batch::Any);
    assert!(signature.time.unwrap().integer);
    assert_eq!(signature.label.unwrap().rows, Rows::Each);
}

#[test]
fn times_are_shared_where_the_shape_has_no_room_for_rows() {
    let rows = |state: Port, shape: &[usize]| {
        let time = port("sigma", Element::Float32, shape);
        Signature::of(&graph(vec![state, time])).map(|s| s.time.unwrap().rows)
    };
    assert_eq!(rows(image(), &[0]), Ok(Rows::Each));
    assert_eq!(rows(image(), &[0, 1]), Ok(Rows::Each));
    assert_eq!(rows(image(), &[]), Ok(Rows::Shared));
    assert_eq!(rows(image(), &[1]), Ok(Rows::Shared));
    assert!(matches!(rows(image(), &[4]), Err(Problem::Unfit { role: "time", .. })));
    assert!(matches!(rows(image(), &[0, 2]), Err(Problem::Unfit { role: "time", .. })));
    let pair = || port("x", Element::Float32, &[4, 6]);
    assert_eq!(rows(pair(), &[4]), Ok(Rows::Each));
    assert_eq!(rows(pair(), &[1]), Ok(Rows::Shared));
}

#[test]
fn a_label_with_a_name_is_not_taken_for_the_time() {
    let label = port("class_labels", Element::Int64, &[0]);
    let signature = Signature::of(&graph(vec![image(), label])).unwrap();
    assert_eq!(signature.time, None);
    assert_eq!(signature.label.unwrap().name, "class_labels");
}

#[test]
fn free_lengths_take_those_of_the_images_to_come() {
    let free = graph(vec![port("pixel_values", Element::Float32, &[0, 3, 0, 0])]);
    let sized = |shape: &[usize]| Signature::sized(&free, Some(shape));
    assert_eq!(sized(&[3, 8, 6]).unwrap().state.sample_shape, [3, 8, 6]);
    // What is declared stays, for the caller to compare.
    assert_eq!(sized(&[1, 8, 6]).unwrap().state.sample_shape, [3, 8, 6]);
    assert!(matches!(sized(&[48]), Err(Problem::Unfit { role: "state", .. })));
    assert!(matches!(sized(&[3, 0, 6]), Err(Problem::Unfit { role: "state", .. })));
}

#[test]
fn images_and_text_in_one_graph_are_two_encoders() {
    let ids = || port("input_ids", Element::Int64, &[0, 77]);
    let joint = Signature::of(&graph(vec![ids(), image()])).unwrap_err();
    let (image_text, text) = ("x: float32 [n, 3, 8, 8]".into(), ids().to_string());
    assert_eq!(joint, Problem::Joint { image: image_text, text });
    // With a time it is a field conditioned on text.
    let time = port("t", Element::Float32, &[0]);
    let field = Signature::of(&graph(vec![image(), time, ids()])).unwrap();
    assert_eq!(field.conditions[0].name, "input_ids");
}

#[test]
fn inputs_that_cannot_fill_their_role_are_named() {
    let of = |ports| Signature::of(&graph(ports)).unwrap_err();
    assert_eq!(of(vec![]), Problem::NoState { inputs: "none".into() });
    let free = port("x", Element::Float32, &[0, 3, 0, 0]);
    let Problem::Unfit { input, role, .. } = of(vec![free]) else { panic!() };
    assert_eq!((input.as_str(), role), ("x: float32 [n, 3, n, n]", "state"));
    let integer = port("sample", Element::Int64, &[0, 3]);
    assert!(matches!(of(vec![integer]), Problem::Unfit { role: "state", .. }));
    let one_hot = port("y", Element::Float32, &[0]);
    assert!(matches!(of(vec![image(), one_hot]), Problem::Unfit { role: "label", .. }));
    let text = port("context", Element::Float32, &[0, 77, 8]);
    let expected = Problem::Unused { input: "context: float32 [n, 77, 8]".into() };
    assert_eq!(of(vec![image(), text]), expected);
    let time = port("t", Element::Float32, &[0]);
    let text = port("prompt", Element::Other, &[0, 77]);
    let unused = Problem::Unused { input: "prompt: another type [n, 77]".into() };
    assert_eq!(of(vec![image(), time, text]), unused);
}

#[test]
fn what_is_left_over_is_what_a_field_is_conditioned_on() {
    let time = port("timestep", Element::Float32, &[0]);
    let text = port("encoder_hidden_states", Element::Float16, &[0, 0, 8]);
    let mask = port("encoder_attention_mask", Element::Bool, &[0, 77]);
    let ids = port("txt_ids", Element::Float32, &[77, 3]);
    let scale = port("guidance", Element::Float32, &[]);
    let ports = vec![text, image(), mask, time, ids, scale];
    let signature = Signature::of(&graph(ports)).unwrap();
    assert_eq!(signature.label, None);
    let known: Vec<_> = signature
        .conditions
        .iter()
        .map(|c| (c.name.as_str(), c.integer, c.rows, c.batched, c.rank()))
        .collect();
    let expected = [
        ("encoder_hidden_states", false, Rows::Each, true, 3),
        ("encoder_attention_mask", true, Rows::Each, true, 2),
        ("txt_ids", false, Rows::Shared, false, 2),
        ("guidance", false, Rows::Shared, false, 0),
    ];
    assert_eq!(known, expected);
    let text = &signature.conditions[0];
    text.check(false, &[5, 8]).unwrap();
    assert!(text.check(true, &[5, 8]).unwrap_err().contains("takes floats, not integers"));
    assert!(text.check(false, &[5, 9]).unwrap_err().contains("takes [n, 8]"));
    assert!(text.check(false, &[8]).is_err() && text.check(false, &[0, 8]).is_err());
}

#[test]
fn numbers_of_a_fixed_length_and_the_name_of_a_label_are_one_hot() {
    let of = |label: Port| {
        let time = port("t", Element::Float32, &[0]);
        Signature::of(&graph(vec![image(), time, label])).unwrap()
    };
    let one_hot = of(port("class_labels", Element::Float32, &[0, 10]));
    assert_eq!(one_hot.label.unwrap().classes, Some(10));
    assert_eq!(of(port("y", Element::Int64, &[0, 10])).label.unwrap().classes, Some(10));
    assert_eq!(of(port("y", Element::Int64, &[0])).label.unwrap().classes, None);
    for embedding in [&[0, 120, 8][..], &[0, 0]] {
        let signature = of(port("y", Element::Float32, embedding));
        assert_eq!((signature.label, signature.conditions.len()), (None, 1));
    }
}

#[test]
fn positions_as_many_as_tokens_are_for_the_whole_batch() {
    let port = |name: &str, axes: &[&str]| {
        let axis = |&axis: &&str| axis.parse().map_or(Axis::Free(axis.into()), Axis::Fixed);
        Port {
            name: name.into(),
            element: Element::Float32,
            shape: Some(axes.iter().map(axis).collect()),
        }
    };
    let flux = graph(vec![
        port("hidden_states", &["batch", "tokens", "16"]),
        port("encoder_hidden_states", &["batch", "length", "12"]),
        port("timestep", &["step"]),
        port("img_ids", &["tokens", "3"]),
        port("txt_ids", &["length", "3"]),
        port("guidance", &["scales"]),
    ]);
    let signature = Signature::sized(&flux, Some(&[4, 16])).unwrap();
    let rows: Vec<_> = signature.conditions.iter().map(|c| (c.rows, c.batched)).collect();
    let (each, shared) = ((Rows::Each, true), (Rows::Shared, false));
    assert_eq!(rows, [each, shared, shared, each]);
    signature.conditions[1].check(false, &[4, 3]).unwrap();
}
