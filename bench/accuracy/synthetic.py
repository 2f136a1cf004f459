"""Synthetic GGUF files: real shapes and types, random weights with sane block scales.

Their values hardly matter (see random_block). The vocabulary is small (16384), so that sampling does
not blur the time of a token, and has a tokenizer, without which engines refuse to load a file."""
import os
import random
import struct

VOCABULARY = 16384
ALIGNMENT = 32
F32, F16, Q4_0, Q8_0, Q4_K, Q6_K = 0, 1, 2, 8, 12, 14
BLOCKS = {F32: (1, 4), F16: (1, 2), Q4_0: (32, 18), Q8_0: (32, 34), Q4_K: (256, 144),
          Q6_K: (256, 210)}
U32, I32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9

# blocks, embedding, heads, KV heads, head length, feed-forward: the shapes that people run.
SHAPES = {
    "0.5b": (24, 1024, 16, 8, 64, 4096),
    "1b": (16, 2048, 32, 8, 64, 8192),
    "1.5b": (28, 1536, 12, 2, 128, 8960),
    "3b": (28, 3072, 24, 8, 128, 8192),
    # Hardly a model: what it takes is what calling the engine and sampling take.
}
TYPES = ("f16", "q8_0", "q4_0", "q4_k_m")


def more_bits(block, blocks):
    """The blocks whose value and down matrices are Q6_K in a file of type Q4_K_M."""
    return (block < blocks // 8 or block >= 7 * blocks // 8
            or (block - blocks // 8) % 3 == 2)


def type_of(name, quant, block, blocks):
    if quant != "q4_k_m":
        return {"f16": F16, "q8_0": Q8_0, "q4_0": Q4_0}[quant]
    if name in ("token_embd", "output"):
        return Q6_K
    return Q6_K if name in ("attn_v", "ffn_down") and more_bits(block, blocks) else Q4_K


def tensors_of(shape, quant):
    """(name, (columns, rows) or (length,), type) of each tensor."""
    blocks, width, heads, kv_heads, length, wide = SHAPES[shape]
    found = [("token_embd.weight", (width, VOCABULARY), type_of("token_embd", quant, 0, blocks)),
             ("output_norm.weight", (width,), F32),
             ("output.weight", (width, VOCABULARY), type_of("output", quant, 0, blocks))]
    matrices = {"attn_q": (width, heads * length), "attn_k": (width, kv_heads * length),
                "attn_v": (width, kv_heads * length), "attn_output": (heads * length, width),
                "ffn_gate": (width, wide), "ffn_up": (width, wide), "ffn_down": (wide, width)}
    for block in range(blocks):
        found += [(f"blk.{block}.{name}.weight", (width,), F32) for name in ("attn_norm", "ffn_norm")]
        found += [(f"blk.{block}.{name}.weight", size, type_of(name, quant, block, blocks))
                  for name, size in matrices.items()]
    return found


def f16(value):
    return struct.pack("<e", value)


def random_block(kind, rng):
    """One block whose weights have a standard deviation of about 0.02 and a mean near 0.

    That is 1 / sqrt(width): what a layer puts out is then about as large as what it gets, as in a
    trained model. It matters: weights ten times as large make the scores of attention so far apart
    that the exponentials underflow to denormal numbers, and attention takes four times as long."""
    vary = 0.8 + 0.4 * rng.random()
    if kind == F16:
        return f16(0.07 * (rng.random() - 0.5))
    if kind == F32:
        return struct.pack("<f", 0.9 + 0.2 * rng.random())
    if kind == Q8_0:  # scale x (-128..127)
        return f16(0.00027 * vary) + rng.randbytes(32)
    if kind == Q4_0:  # scale x (-8..7)
        return f16(0.0043 * vary) + rng.randbytes(16)
    if kind == Q4_K:  # scale x (0..63) x (0..15) - minimum x (0..63)
        return f16(0.000136 * vary) + f16(0.00102 * vary) + rng.randbytes(12 + 128)
    scales = bytes(rng.randrange(-16, 17) & 255 for _ in range(16))
    return rng.randbytes(128 + 64) + scales + f16(0.000117 * vary)  # scale x (-16..16) x (-32..31)


def pattern_of(kind, rng):
    """About 1 MiB of blocks: repeated, they fill a tensor."""
    size = BLOCKS[kind][1]
    return b"".join(random_block(kind, rng) for _ in range((1 << 20) // size // (1 << 4) or 1)) * 16


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    head = text(key) + struct.pack("<I", kind)
    if kind == STRING:
        return head + text(value)
    if kind != ARRAY:
        return head + struct.pack({U32: "<I", I32: "<i", FLOAT32: "<f"}[kind], value)
    inner, items = value
    head += struct.pack("<IQ", inner, len(items))
    if inner == STRING:
        return head + b"".join(text(item) for item in items)
    return head + struct.pack(f"<{len(items)}{'f' if inner == FLOAT32 else 'i'}", *items)


def metadata_of(shape):
    blocks, width, heads, kv_heads, length, wide = SHAPES[shape]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    tokens += [f"\u2581word{i}" for i in range(VOCABULARY - len(tokens))]
    kinds += [1] * (VOCABULARY - len(kinds))
    values = [
        ("general.architecture", STRING, "llama"),
        ("llama.block_count", U32, blocks), ("llama.context_length", U32, 8192),
        ("llama.embedding_length", U32, width), ("llama.feed_forward_length", U32, wide),
        ("llama.attention.head_count", U32, heads), ("llama.attention.head_count_kv", U32, kv_heads),
        ("llama.attention.key_length", U32, length), ("llama.attention.value_length", U32, length),
        ("llama.rope.dimension_count", U32, length), ("llama.vocab_size", U32, VOCABULARY),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        ("tokenizer.ggml.scores", ARRAY, (FLOAT32, [-float(i) for i in range(VOCABULARY)])),
        ("tokenizer.ggml.token_type", ARRAY, (I32, kinds)),
        ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2),
        ("tokenizer.ggml.unknown_token_id", U32, 0),
    ]
    return struct.pack("<Q", len(values)), b"".join(entry(*value) for value in values)


def bytes_of(size, kind):
    count = size[0] * (size[1] if len(size) > 1 else 1)
    block, length = BLOCKS[kind]
    assert size[0] % block == 0, (size, kind)
    return count // block * length


def write(path, shape, quant):
    """Writes the file whole or not at all."""
    rng = random.Random(f"{shape} {quant}")
    patterns = {}
    tensors = tensors_of(shape, quant)
    n_values, metadata = metadata_of(shape)
    head = b"GGUF" + struct.pack("<IQ", 3, len(tensors)) + n_values + metadata
    offset = 0
    for name, size, kind in tensors:
        head += text(name) + struct.pack("<I", len(size)) + struct.pack(f"<{len(size)}Q", *size)
        head += struct.pack("<IQ", kind, offset)
        offset += -(-bytes_of(size, kind) // ALIGNMENT) * ALIGNMENT
    with open(path + ".part", "wb") as file:
        file.write(head + bytes(-len(head) % ALIGNMENT))
        for _name, size, kind in tensors:
            pattern = patterns.setdefault(kind, pattern_of(kind, rng) if kind not in patterns else b"")
            left = bytes_of(size, kind)
            pad = -left % ALIGNMENT
            while left > 0:
                left -= file.write(pattern[:left])
            file.write(bytes(pad))
    os.rename(path + ".part", path)


def path_of(folder, shape, quant):
    """The file, made if it is not there."""
    path = os.path.join(folder, f"{shape}-{quant}.gguf")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        write(path, shape, quant)
    return path
