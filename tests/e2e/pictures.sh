# SPDX-License-Identifier: MIT
#
# pictures.sh   sourced by tests that learn from a few pictures of Fashion-MNIST

# cut_pictures N: the first N (below 65,536) for training, as x.idx and y.idx
cut_pictures() {
	data=/usr/share/datasets/fashion-mnist
	count=$(printf '\\0%03o\\0%03o' $(($1 / 256)) $(($1 % 256)))
	{
		printf '\0\0\010\003\0\0%b\0\0\0\034\0\0\0\034' "$count"
		zcat $data/train-images-idx3-ubyte.gz | tail -c +17 |
			head -c $(($1 * 784))
	} >x.idx
	{
		printf '\0\0\010\001\0\0%b' "$count"
		zcat $data/train-labels-idx1-ubyte.gz | tail -c +9 |
			head -c "$1"
	} >y.idx
}
