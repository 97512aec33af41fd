//! Gradients of indexing against finite differences, first and second derivatives.

use rusttorch::autograd::{gradcheck, gradgradcheck};
use rusttorch::{DType, Index, Result, ScatterReduce, Tensor};

use crate::support::{both, positive, sample, tensor};

#[test]
fn indices() {
    let x = sample(&[3, 4, 2]);
    let rows = Tensor::from_vec(vec![2i64, 0, -1, 2], &[4]).unwrap();
    let pair = Tensor::from_vec(vec![1i64, 0, 1, 1], &[2, 2]).unwrap();
    let mask = sample(&[3, 4]).gt(0.1).unwrap();
    let f = |name: &str, f: &dyn Fn(&Tensor) -> Result<Tensor>| {
        both(name, &|t: &[Tensor]| f(&t[0])?.square(), std::slice::from_ref(&x));
    };
    f("x[rows]", &|x| x.i(&rows));
    f("x[:, pair]", &|x| x.i((.., &pair)));
    f("x[pair, :, pair]", &|x| x.i((&pair, .., &pair)));
    f("x[mask]", &|x| x.i(&mask));
    f("x[1, ..., rows]", &|x| x.transpose(0, 2)?.i((1, Index::Ellipsis, &rows)));
    f("take", &|x| x.take(&rows));
    f("take of a transposed tensor", &|x| x.transpose(0, 2)?.take(&rows));
    f("take_along_dim", &|x| x.take_along_dim(&pair.unsqueeze(0)?, Some(1)));
    f("masked_select", &|x| x.masked_select(&mask.unsqueeze(2)?));

    let (whole, few) = (sample(&[3, 4, 2]), positive(&[4, 4, 2]));
    both(
        "index_add",
        &|t| t[0].index_add(0, &rows.remainder(3i64)?, &t[1], 1.5)?.square(),
        &[whole.clone(), few],
    );
    let distinct = Tensor::from_vec(vec![2i64, 0], &[2]).unwrap();
    let two = positive(&[2, 4, 2]);
    both("index_copy", &|t| t[0].index_copy(0, &distinct, &t[1])?.square(), &[whole.clone(), two.clone()]);
    let number = tensor(&[0.7], &[]);
    both("index_fill", &|t| t[0].index_fill(1, &rows, &t[1])?.square(), &[whole.clone(), number.clone()]);
    both(
        "index_put",
        &|t| t[0].index_put(&[Some(&distinct)], &t[1], false)?.square(),
        &[whole.clone(), two.clone()],
    );
    both(
        "index_put, added",
        &|t| t[0].index_put(&[Some(&rows), None, Some(&pair.flatten()?)], &t[1], true)?.square(),
        &[whole.clone(), positive(&[4, 4])],
    );
    let write = |name: &str, value: &Tensor, f: &dyn Fn(&Tensor, &Tensor) -> Result<Tensor>| {
        let through = |t: &[Tensor]| {
            let y = t[0].mul(1.5)?;
            f(&y, &t[1].square()?)?;
            y.square()
        };
        both(name, &through, &[whole.clone(), value.clone()]);
    };
    write("x[distinct] = v", &two, &|y, v| y.i_(&distinct, v));
    write("x[:, 1:, pair] = v", &positive(&[3, 1, 1]), &|y, v| {
        y.i_((.., Index::from(1..), &distinct.narrow(0, 1, 1)?), v)
    });
    write("x[mask] = v", &number, &|y, v| y.i_(&mask, v));
    write("x[1:, distinct] = v, through a view", &positive(&[2, 2]), &|y, v| {
        y.narrow(0, 1, 2)?.i_((.., &distinct), v)
    });
    write("put", &positive(&[2]), &|y, v| y.put_(&distinct, v, false));
    write("put, added", &positive(&[2, 2]), &|y, v| y.put_(&pair, v, true));
    write("masked_scatter", &positive(&[30]), &|y, v| y.masked_scatter_(&mask.unsqueeze(2)?, v));
    write("index_add_", &two, &|y, v| y.index_add_(0, &distinct, v, 2.0));
    write("index_copy_", &two, &|y, v| y.index_copy_(0, &distinct, v));
    write("index_fill_", &number, &|y, v| y.index_fill_(2, &distinct.narrow(0, 1, 1)?, v));
    write("scatter_", &positive(&[1, 1, 2]), &|y, v| {
        y.scatter_(2, &distinct.div(2i64)?.to_dtype(DType::I64)?.reshape([1, 1, 2])?, v)
    });
}

#[test]
fn scattered_reductions() {
    let index = Tensor::from_vec(vec![0i64, 0, 2, 1, 2, 0], &[6]).unwrap();
    for reduce in [
        ScatterReduce::Sum,
        ScatterReduce::Prod,
        ScatterReduce::Mean,
        ScatterReduce::Amax,
        ScatterReduce::Amin,
    ] {
        for include_self in [true, false] {
            let pair = [sample(&[4]), positive(&[6])];
            let name = format!("scatter_reduce {reduce:?} {include_self}");
            both(&name, &|t| t[0].scatter_reduce(0, &index, &t[1], reduce, include_self)?.square(), &pair);
            let through = |t: &[Tensor]| {
                let y = t[0].mul(1.5)?;
                y.scatter_reduce_(0, &index, &t[1], reduce, include_self)?.square()
            };
            both(&format!("{name}, in place"), &through, &pair);
            if reduce != ScatterReduce::Sum {
                let pair = [sample(&[2, 4]), positive(&[2, 6])];
                let name = format!("index_reduce {reduce:?} {include_self}");
                both(&name, &|t| t[0].index_reduce(1, &index, &t[1], reduce, include_self)?.square(), &pair);
            }
        }
    }
    // Zeros: one in the tensor, one for a place, two for a place.
    let pair = [tensor(&[1.5, 0.0, 2.0, 3.0], &[4]), tensor(&[2.0, 0.0, 0.7, 4.0, 1.3, 3.0], &[6])];
    both("product of a zero", &|t| t[0].scatter_reduce(0, &index, &t[1], ScatterReduce::Prod, false), &pair);
    gradcheck(&|t| t[0].scatter_reduce(0, &index, &t[1], ScatterReduce::Prod, true), &pair).unwrap();
    let twice = [pair[0].clone(), tensor(&[0.0, 0.0, 0.7, 4.0, 1.3, 3.0], &[6])];
    let product = |t: &[Tensor]| t[0].scatter_reduce(0, &index, &t[1], ScatterReduce::Prod, false);
    gradcheck(&product, &twice).unwrap();
    let refused = gradgradcheck(&product, &twice).unwrap_err();
    assert!(refused.to_string().starts_with("scatter_reduce: has no second gradient"), "{refused}");
}
