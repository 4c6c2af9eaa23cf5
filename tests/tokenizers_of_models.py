"""Tokenizers of the kinds that language models have, trained here on little text: no hub is asked."""

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from ensemble.formats.known import SPECS

LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_2 = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")
"""How the two split text before merging bytes: Llama 3 joins up to three digits, Qwen 2 none."""
CHAT = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>")


def byte_level(pattern: str, special: tuple[str, ...], bos: str | None, eos: str) -> PreTrainedTokenizerFast:
    """Return a tokenizer that merges bytes, with merges learned from the texts of all formats and from numbers."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos)


def llama_3() -> PreTrainedTokenizerFast:
    return byte_level(LLAMA_3, CHAT, "<|begin_of_text|>", "<|end_of_text|>")


def qwen_2() -> PreTrainedTokenizerFast:
    return byte_level(QWEN_2, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), None, "<|endoftext|>")


def mistral() -> PreTrainedTokenizerFast:
    """Return a tokenizer like SentencePiece's: marked spaces, unknown characters as bytes, no splits before merging."""
    single = [chr(code) for code in range(33, 127)]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *single, "▁I", "10"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    merges = [("▁", "I"), ("1", "0")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in ("<unk>", "<s>", "</s>")])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def corpus() -> list[str]:
    """Return texts from which many neighbors of pieces are merged, were they not split."""
    texts = [" ".join(str(getattr(spec, name)) for name in spec.__slots__) for spec in SPECS.values()]
    rows = ["".join(str(k * j % 10) for j in range(30)) for k in range(1, 60)]
    printed = ["[[0 1 2]\n [3 4 5]] -> [[1]]#\n[[7]]#", "]]#\n", "\n\n\n", "```\n", "\n```", " Blue Red\nBlue"]
    return [*texts * 3, *rows, *printed * 20]
