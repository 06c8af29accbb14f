use super::*;
use crate::field::{FnField, MixtureField};
use crate::noise::noise;
use ndarray::{Array2, array};

fn straight(prediction: Prediction, time: TimeConvention) -> Conventions {
    Conventions::new(ConditionalPath::Straight, Some(prediction), Some(time)).unwrap()
}

/// Every convention of the straight path must give the same velocity of an analytic model.
#[test]
fn conventions_agree_on_an_analytic_model() {
    let exact =
        MixtureField::isotropic(&[0.4, 0.6], array![[1.0, -2.0], [0.5, 1.5]], &[0.3, 0.1]).unwrap();
    let x = noise(1, 0..6, 2);
    let times = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99];
    let mut expected = Array2::zeros((6, 2));
    exact.velocity(x.view(), &times, Condition::None, expected.view_mut()).unwrap();

    let predict = |prediction: Prediction, time: TimeConvention| {
        let exact = &exact;
        let network = FnField::new(2, move |x, inputs, mut out| {
            let t: Vec<f64> = inputs
                .iter()
                .map(|&input| {
                    let own = match time.input {
                        TimeInput::Scaled(factor) => input / factor,
                        _ => input,
                    };
                    if time.reversed { 1.0 - own } else { own }
                })
                .collect();
            exact.velocity(x, &t, Condition::None, out.view_mut()).unwrap();
            for (row, &t) in t.iter().enumerate() {
                let mut out = out.row_mut(row);
                match prediction {
                    Prediction::Velocity if time.reversed => out.mapv_inplace(|v| -v),
                    Prediction::Velocity => {}
                    Prediction::Data => {
                        out.zip_mut_with(&x.row(row), |v, &x| *v = x + (1.0 - t as f32) * *v)
                    }
                    _ => out.zip_mut_with(&x.row(row), |v, &x| *v = x - t as f32 * *v),
                }
            }
        });
        let field = Converted::new(network, straight(prediction, time));
        let mut out = Array2::zeros((6, 2));
        field.velocity(x.view(), &times, Condition::None, out.view_mut()).unwrap();
        out
    };
    for prediction in [Prediction::Velocity, Prediction::Data, Prediction::Noise] {
        for reversed in [false, true] {
            for input in [TimeInput::Unit, TimeInput::Scaled(1000.0)] {
                let out = predict(prediction, TimeConvention { reversed, input });
                let worst = (&out - &expected).iter().fold(0f32, |m, d| m.max(d.abs()));
                assert!(worst < 3e-5, "{prediction} reversed {reversed} {input:?}: {worst}");
            }
        }
    }
}

#[test]
fn discrete_times_are_those_of_the_published_sampler() {
    let at = |text: &str, t| straight(Prediction::Velocity, text.parse().unwrap()).at(t).time;
    assert_eq!(at("discrete:1000", 0.0), 0.0);
    assert_eq!(at("discrete:1000", 0.5), 499.0);
    assert_eq!(at("discrete:1000", 1.0 / 3.0), 333.0);
    assert_eq!(at("discrete:1000", 1.0), 999.0);
    assert_eq!(at("reversed+discrete:1000", 0.25), 749.0);
}

#[test]
fn undefined_times_are_errors() {
    let network = || FnField::new(1, |_, _, mut out: ArrayViewMut2<'_, f32>| out.fill(0.0));
    for (prediction, t) in [(Prediction::Data, 1.0), (Prediction::Noise, 0.0)] {
        let field = Converted::new(network(), straight(prediction, TimeConvention::default()));
        let mut out = Array2::zeros((1, 1));
        let error = field.velocity(array![[0.0]].view(), &[t], Condition::None, out.view_mut());
        assert_eq!(error, Err(FieldError::Undefined { t }));
    }
}

/// The velocity is continuous where the network's levels end, and finite everywhere.
#[test]
fn beyond_the_known_levels_the_nearest_is_asked() {
    let denoiser = |scale: f32| {
        FnField::new(1, move |x, _, mut out| {
            out.zip_mut_with(&x, |out, &x| *out = scale * x + 0.25);
        })
    };
    for (path, prediction) in [
        ("vp:scaled-linear", Prediction::Noise),
        ("vp:scaled-linear", Prediction::V),
        ("vp:linear", Prediction::Data),
        ("ve,max=50", Prediction::Data),
        ("ve", Prediction::Noise),
        ("edm:0.5", Prediction::Residual),
        ("edm:0.5", Prediction::V),
    ] {
        let path: ConditionalPath = path.parse().unwrap();
        let (first, last) = path.times();
        let conventions = Conventions::new(path, Some(prediction), None).unwrap();
        let velocity = |t: f64| {
            let field = Converted::new(denoiser(0.125), conventions.clone());
            let mut out = Array2::zeros((1, 1));
            field.velocity(array![[0.7]].view(), &[t], Condition::None, out.view_mut()).unwrap();
            f64::from(out[[0, 0]])
        };
        for edge in [first, last] {
            let (before, after) = (velocity(edge - 1e-9), velocity(edge + 1e-9));
            assert!((before - after).abs() < 1e-4 * before.abs().max(1.0), "{prediction} {edge}");
        }
        assert!(velocity(0.0).is_finite() && velocity(1.0).is_finite());
        assert_eq!(conventions.at(0.0).time, conventions.at(first).time);
        assert_eq!(conventions.at(1.0).time, conventions.at(last).time);
    }
}

#[test]
fn combinations_that_do_not_exist_are_refused_with_the_reason() {
    let refused = |path: &str, prediction: Option<Prediction>, time: Option<&str>| {
        let time = time.map(|time| time.parse().unwrap());
        Conventions::new(path.parse().unwrap(), prediction, time).unwrap_err().to_string()
    };
    for (path, prediction, time, part) in [
        ("vp:linear", None, None, "no usual choice: say noise"),
        ("ve", None, None, "say data"),
        ("vp:linear", Some(Prediction::Velocity), None, "does not predict `velocity`"),
        ("straight", Some(Prediction::V), None, "belong to the paths vp and edm"),
        ("edm:0.5", Some(Prediction::Data), None, "belongs to the path ve"),
        ("ve", Some(Prediction::V), None, "does not predict `v`"),
        ("straight", None, Some("step"), "unit, reversed"),
        ("vp:linear", Some(Prediction::Noise), Some("reversed"), "training step"),
        ("edm:0.5", None, Some("step"), "c-noise or sigma"),
        ("straight", None, Some("discrete:1"), "T ≥ 2"),
        ("straight", None, Some("scaled:-1"), "must be positive"),
    ] {
        let error = refused(path, prediction, time);
        assert!(error.contains(part), "{path} {prediction:?} {time:?}: {error}");
    }
    assert!("eps".parse::<Prediction>().is_err());
}

#[test]
fn unusable_paths_say_what_would_be_right() {
    for (text, part) in [
        ("vp", "vp:scaled-linear"),
        ("ddpm", "vp:scaled-linear"),
        ("straight,max=3", "no key `max`"),
        ("straight:x", "use straight"),
        ("vp:sigmoid", "no schedule"),
        ("vp:cosine,start=0.1", "no key `start`"),
        ("vp:linear,max=1000", "within the schedule's noise levels"),
        ("vp:linear,max", "KEY=VALUE"),
        ("vp:linear,max=9,max=8", "given twice"),
        ("vp:linear,steps=1", "two steps"),
        ("vp:linear,steps=many", "`steps=many`"),
        ("vp:linear,terminal=one", "terminal=zero"),
        ("vp:linear,start=nan", "outside (0, 1)"),
        ("ve,min=0", "0 < min < max"),
        ("ve,max=inf", "0 < min < max"),
        ("edm", "edm:0.5"),
        ("edm:-1", "edm:0.5"),
    ] {
        let error = text.parse::<ConditionalPath>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let path = ConditionalPath::parse("vp:a.npy,max=2", |file| {
        assert_eq!(file, "a.npy");
        Ok(vec![0.9, 0.5, 0.1])
    });
    assert!((path.unwrap().times().0 - 1.0 / 3.0).abs() < 1e-12);
}
