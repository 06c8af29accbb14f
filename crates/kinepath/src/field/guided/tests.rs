use super::*;
use crate::field::InputValues;
use ndarray::array;

/// A field whose velocity is its label plus the sum of its input `context`, and which notes the
/// rows of its calls.
#[derive(Default)]
struct Sum(std::sync::Mutex<Vec<usize>>);

impl VelocityField for Sum {
    fn dim(&self) -> usize {
        1
    }

    fn velocity(
        &self,
        x: ArrayView2<'_, f32>,
        t: &[f64],
        condition: Condition<'_>,
        mut out: ArrayViewMut2<'_, f32>,
    ) -> Result<(), FieldError> {
        check_shapes(1, &x, t, &out)?;
        condition.check(t.len())?;
        self.0.lock().unwrap().push(t.len());
        for (row, out) in out.iter_mut().enumerate() {
            *out = condition.labels().map_or(0.0, |labels| labels[row] as f32);
            for input in condition.inputs() {
                let InputValues::Float(values) = input.values() else { panic!("floats expected") };
                *out += values[input.row(row)].iter().sum::<f32>();
            }
        }
        Ok(())
    }
}

fn context(rows: Option<usize>, values: Vec<f32>) -> NamedInput {
    let width = values.len() / rows.unwrap_or(1);
    NamedInput::new("context", rows, &[width], InputValues::Float(values)).unwrap()
}

fn velocities(field: &Guided<Sum>, t: &[f64], condition: Condition<'_>) -> Vec<f32> {
    let x = Array2::zeros((t.len(), 1));
    let mut out = Array2::from_elem((t.len(), 1), f32::NAN);
    field.velocity(x.view(), t, condition, out.view_mut()).unwrap();
    out.into_raw_vec_and_offset().0
}

#[test]
fn guidance_extrapolates_from_the_null_label_and_counts_twice() {
    for (style, calls) in [(GuidanceStyle::Doubled, vec![4]), (GuidanceStyle::Calls, vec![2, 2])] {
        let field = Guided::new(Sum::default(), Null::label(-1), 1.5).unwrap().style(style);
        assert_eq!(velocities(&field, &[0.5; 2], Condition::Labels(&[3, 5])), [5.0, 8.0]);
        assert_eq!(field.evaluations(0.5), 2);
        assert_eq!(*field.field.0.lock().unwrap(), calls);
    }
}

#[test]
fn a_null_input_replaces_its_namesake_and_nothing_else() {
    let inputs = [context(Some(2), vec![1.0, 2.0, 3.0, 4.0])];
    let condition = Condition::Inputs { labels: Some(&[10, 20]), inputs: &inputs };
    let null = Null { label: None, inputs: vec![context(None, vec![0.5, 0.5])] };
    for style in [GuidanceStyle::Doubled, GuidanceStyle::Calls] {
        let field = Guided::new(Sum::default(), null.clone(), 2.0).unwrap().style(style);
        // 2 (10 + 3) − (10 + 1) and 2 (20 + 7) − (20 + 1)
        assert_eq!(velocities(&field, &[0.0, 1.0], condition), [15.0, 33.0]);
    }
}

#[test]
fn a_null_input_of_another_length_takes_a_call_of_its_own() {
    let inputs = [context(Some(2), vec![1.0, 2.0, 3.0, 4.0])];
    let condition = Condition::Inputs { labels: None, inputs: &inputs };
    let null = Null { label: None, inputs: vec![context(None, vec![0.5])] };
    let field = Guided::new(Sum::default(), null, 2.0).unwrap();
    assert_eq!(velocities(&field, &[0.0, 1.0], condition), [5.5, 13.5]);
    assert_eq!(*field.field.0.lock().unwrap(), [2, 2]);
}

#[test]
fn outside_its_interval_a_row_is_conditional_and_costs_one_evaluation() {
    for (style, calls) in [(GuidanceStyle::Doubled, vec![5]), (GuidanceStyle::Calls, vec![3, 2])] {
        let field = Guided::new(Sum::default(), Null::label(0), 3.0).unwrap().style(style);
        let field = field.interval(0.2, 0.8).unwrap();
        let labels = Condition::Labels(&[1, 2, 4]);
        assert_eq!(velocities(&field, &[0.1, 0.2, 0.8], labels), [1.0, 6.0, 12.0]);
        assert_eq!(velocities(&field, &[0.0, 0.9, 0.81], labels), [1.0, 2.0, 4.0]);
        assert_eq!(*field.field.0.lock().unwrap(), [calls, vec![3]].concat());
        assert_eq!([0.1, 0.2, 0.8, 0.9].map(|t| field.evaluations(t)), [1, 2, 2, 1]);
    }
}

#[test]
fn the_speeds_of_the_parts_are_those_before_they_are_combined() {
    let field = Guided::new(Sum::default(), Null::label(-2), 4.0).unwrap();
    let field = field.interval(0.5, 1.0).unwrap();
    let mut out = Array2::zeros((2, 1));
    let mut parts = [PartSpeeds::default(); 2];
    let (x, labels) = (array![[0.0], [0.0]], Condition::Labels(&[3, 3]));
    field.velocity_in_parts(x.view(), &[0.4, 0.6], labels, out.view_mut(), &mut parts).unwrap();
    assert_eq!(parts[0], PartSpeeds { conditional: 9.0, unconditional: None });
    assert_eq!(parts[1], PartSpeeds { conditional: 9.0, unconditional: Some(4.0) });
    assert_eq!(out, array![[3.0], [18.0]]);
}

#[test]
fn what_cannot_be_guided_is_refused() {
    let new = |null, scale| Guided::new(Sum::default(), null, scale).map(drop);
    assert!(matches!(new(Null::label(0), f64::NAN), Err(FieldError::Invalid(_))));
    assert!(matches!(new(Null::default(), 2.0), Err(FieldError::Invalid(_))));
    let rows = Null { label: None, inputs: vec![context(Some(2), vec![0.0; 2])] };
    assert!(new(rows, 2.0).unwrap_err().to_string().contains("one for all rows"));

    let field = Guided::new(Sum::default(), Null::label(0), 2.0).unwrap();
    for (from, to) in [(-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.5, 1.1), (f64::NAN, 1.0)] {
        let refused = Guided::new(Sum::default(), Null::label(0), 2.0).unwrap().interval(from, to);
        assert!(matches!(refused, Err(FieldError::Invalid(_))), "{from} {to}");
    }
    let x = array![[0.0], [0.0]];
    let mut out = x.clone();
    let mut refusal = |field: &Guided<Sum>, condition| {
        let refusal = field.velocity(x.view(), &[0.5; 2], condition, out.view_mut());
        refusal.unwrap_err().to_string()
    };
    assert!(refusal(&field, Condition::None).contains("null label needs a class label"));
    assert!(refusal(&field, Condition::Labels(&[1])).contains("labels has shape [1]"));
    let null = Null { label: None, inputs: vec![context(None, vec![0.0])] };
    let field = Guided::new(Sum::default(), null, 2.0).unwrap();
    let labels = Condition::Labels(&[1, 2]);
    assert!(refusal(&field, labels).contains("no other value"));
    assert!("twice".parse::<GuidanceStyle>().unwrap_err().to_string().contains("doubled or calls"));
}
