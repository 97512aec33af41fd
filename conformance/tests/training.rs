//! Numeric items 48 and 49: a training loop that is interrupted goes on as if it had not been, and the bits of a
//! result do not depend on the run or the thread.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests, outside of the test functions"
)]

use std::path::Path;
use std::sync::Arc;

use rusttorch::backends::with_backend;
use rusttorch::data::Batches;
use rusttorch::nn::functional::{CrossEntropy, cross_entropy, linear};
use rusttorch::optim::{Adam, AdamW, Optimize, Optimizer, Sgd};
use rusttorch::{DType, Tensor, io, manual_seed, with_default_generator};
use rusttorch_backend::Backend;
use rusttorch_backend_naive::Naive;
use rusttorch_conformance::{FAMILIES, frontend};

type Rule = fn(Vec<Tensor>) -> Optimizer;

/// Parameters and their optimizer.
struct Training {
    weight: Tensor,
    bias: Tensor,
    optimizer: Optimizer,
}

impl Training {
    fn new(rule: Rule) -> Training {
        let leaf = |t: Tensor| t.requires_grad_(true).unwrap();
        let weight = leaf(Tensor::randn(&[3, 4], DType::F32).unwrap());
        let bias = leaf(Tensor::zeros(&[3], DType::F32).unwrap());
        let optimizer = rule(vec![weight.clone(), bias.clone()]);
        Training { weight, bias, optimizer }
    }

    /// Three steps, one for each batch of a shuffled epoch.
    fn epoch(&mut self, x: &Tensor, y: &Tensor) {
        let batches = Batches::new((x, y), 4).unwrap();
        let epoch = with_default_generator(|g| batches.shuffled(g)).unwrap();
        for batch in epoch {
            let (x, y) = batch.unwrap();
            // Noise, so that the generator takes part in every step.
            let x = x.add(&Tensor::randn(&[x.shape()[0], 4], DType::F32).unwrap()).unwrap();
            let logits = linear(&x, &self.weight, Some(&self.bias)).unwrap();
            self.optimizer.zero_grad().unwrap();
            cross_entropy(&logits, &y, &CrossEntropy::default()).unwrap().backward().unwrap();
            self.optimizer.step().unwrap();
        }
    }

    fn save(&self, path: &Path) {
        let mut all = self.optimizer.state().unwrap();
        all.push(("weight".to_owned(), self.weight.clone()));
        all.push(("bias".to_owned(), self.bias.clone()));
        let state = with_default_generator(|g| g.state());
        let n = state.len();
        all.push(("generator".to_owned(), Tensor::from_vec(state, &[n]).unwrap()));
        io::save(path, all).unwrap();
    }

    /// Everything from the file, into a training that started elsewhere.
    fn load(&mut self, path: &Path) {
        let mut all: Vec<(String, Tensor)> = io::load(path).unwrap().into_iter().collect();
        let mut take = |name: &str| {
            let at = all.iter().position(|(n, _)| n == name).unwrap();
            all.remove(at).1
        };
        self.weight.detach().copy_(&take("weight")).unwrap();
        self.bias.detach().copy_(&take("bias")).unwrap();
        let state = take("generator").to_vec::<u8>().unwrap();
        with_default_generator(|g| g.set_state(&state)).unwrap();
        self.optimizer.load_state(&all).unwrap();
    }

    fn bits(&self) -> Vec<u32> {
        let of = |t: &Tensor| t.detach().to_vec::<f32>().unwrap();
        [of(&self.weight), of(&self.bias)].concat().into_iter().map(f32::to_bits).collect()
    }
}

#[test]
fn six_steps_are_three_a_file_and_three() {
    with_backend(Arc::new(Naive::new()), || {
        let rules: [(&str, Rule); 4] = [
            ("SGD", |p| Sgd { lr: 0.1, ..Sgd::default() }.over(p).unwrap()),
            ("momentum", |p| Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() }.over(p).unwrap()),
            ("Adam", |p| Adam { lr: 0.1, ..Adam::default() }.over(p).unwrap()),
            ("AdamW", |p| AdamW { lr: 0.1, ..AdamW::default() }.over(p).unwrap()),
        ];
        for (name, rule) in rules {
            manual_seed(7);
            let x = Tensor::randn(&[12, 4], DType::F32).unwrap();
            let y = Tensor::randint(0, 3, &[12], DType::I64).unwrap();
            let path = std::env::temp_dir().join(format!("rusttorch-{}-{name}", std::process::id()));
            let mut through = Training::new(rule);
            through.epoch(&x, &y);
            through.save(&path);
            let third = through.bits();
            through.epoch(&x, &y);

            manual_seed(8);
            let mut resumed = Training::new(rule);
            resumed.load(&path);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(resumed.bits(), third, "{name}");
            resumed.epoch(&x, &y);
            assert_eq!(resumed.bits(), through.bits(), "{name}");
            assert_ne!(resumed.bits(), third, "{name}");
        }
    });
}

#[test]
fn bits_do_not_depend_on_the_run_or_the_thread() {
    let naive: Arc<dyn Backend> = Arc::new(Naive::new());
    let digest = || -> Vec<String> {
        FAMILIES.iter().map(|family| frontend::digest(&naive, family).unwrap()).collect()
    };
    let first = digest();
    assert_eq!(digest(), first);
    for threads in [2, 3] {
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(digest)).collect();
            for thread in all {
                assert_eq!(thread.join().unwrap(), first);
            }
        });
    }
}
