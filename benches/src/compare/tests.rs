use std::collections::HashSet;

use rusttorch::DType;

use super::{Plan, cases, indices, measure, values};

#[test]
fn names_are_unique_and_have_four_parts() {
    let mut seen = HashSet::new();
    for case in cases() {
        let id = case.id();
        assert_eq!(id.split('@').next().unwrap().split('/').count(), 4, "{id}");
        assert!(!id.contains(char::is_whitespace), "{id}");
        assert!(seen.insert(id.clone()), "{id}");
    }
}

#[test]
fn small_cases_run() {
    let plan = Plan {
        samples: 2,
        sample: std::time::Duration::ZERO,
        warm_up: std::time::Duration::ZERO,
        warm_up_calls: 1,
    };
    for case in cases().iter().filter(|c| ["1", "8x8", "1e3", "64", "100x1000"].contains(&c.size.as_str())) {
        let mut work = case.make().unwrap();
        let digest = case.in_mode(|| work.digest()).unwrap();
        assert!(digest.count > 0 && digest.size.is_finite(), "{case:?} {digest:?}");
        assert_eq!(case.in_mode(|| measure(&mut *work, plan)).unwrap().len(), 2, "{case:?}");
    }
}

/// `pytorch/cases.py` computes the same.
#[test]
fn inputs_are_those_of_the_other_side() {
    assert_eq!(indices(2, &[4], 1000).unwrap().to_vec::<i64>().unwrap(), [588, 197, 489, 433]);
    let found: Vec<f64> = values(1, 4, -3.0, 3.0).collect();
    assert_eq!(found, [1.7682920694351196, 1.7369359731674194, 2.563630700111389, -2.892852544784546]);
    assert_eq!(super::uniform(1, &[2, 2], 0.0, 1.0, DType::F64).unwrap().shape(), [2, 2]);
}
