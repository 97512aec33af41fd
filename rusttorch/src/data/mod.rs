//! From a file to the batches of a training loop.
//!
//! ```
//! use rusttorch::data::{Batches, Csv, Generator, Standardize, random_split};
//! use rusttorch::DType;
//!
//! # fn main() -> rusttorch::Result<()> {
//! # let text = "height,width,label\n1.5,2,0\n0.5,3,1\n2.5,4,0\n3.5,1,1\n1.0,2,0\n".as_bytes();
//! let table = Csv::new().from_reader(text)?; // or .read("flowers.csv")
//! let x = table.without(&["label"])?;
//! let y = table.column("label")?.to_dtype(DType::I64)?;
//!
//! let mut generator = Generator::new(0);
//! let [train, test] = random_split(table.rows(), [0.8, 0.2], &mut generator)?;
//! let normalize = Standardize::fit(&x.index_select(0, &train)?)?;
//! let x_train = normalize.apply(&x.index_select(0, &train)?)?;
//! let x_test = normalize.apply(&x.index_select(0, &test)?)?;
//! let y_train = y.index_select(0, &train)?;
//!
//! let batches = Batches::new((&x_train, &y_train), 2)?.drop_last(true);
//! for _epoch in 0..3 {
//!     for batch in batches.shuffled(&mut generator)? {
//!         let (x, y) = batch?;
//!         assert_eq!((x.shape(), y.shape()), (&[2, 2][..], &[2][..]));
//!     }
//! }
//! # assert_eq!(x_test.shape(), [1, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! | what | does | in Python |
//! |---|---|---|
//! | [`Csv`], [`Table`] | reads numbers under a header row | `pandas.read_csv` |
//! | [`random_split`] | shuffles `0..n` and cuts it | `torch.utils.data.random_split` |
//! | [`Standardize`] | z-score, fitted on one part and applied to all | `sklearn.preprocessing.StandardScaler` |
//! | [`Batches`] | batches in order or shuffled anew every epoch | `torch.utils.data.DataLoader` |
//! | [`Generator`] | the random numbers of a shuffle, apart from the default generator's | `torch.Generator` |

mod batches;
mod csv;
mod normalize;
mod split;

pub use batches::{Batches, Epoch, Samples};
pub use csv::{Csv, Table};
pub use normalize::Standardize;
pub use rusttorch_backend::Generator;
pub use split::{Lengths, random_split};
