"""The operators that a program from a file may call: those of inference, and no others.

torch has some three thousand. Among them are backward passes that trust the indices they are
given and write where these point, constructors that skip their checks, switches of the whole
process (seeds, gradients), and readers of files. Those here write nothing but their result, or, as
``relu_``, the tensor that they are given. Some of them trust that the sizes of their arguments fit
together, and read beyond one that is too small.
"""

from __future__ import annotations

import re

NAMES = """
abs adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d adaptive_max_pool1d
adaptive_max_pool2d add add_ addcdiv addcmul addmm affine_grid_generator alias all amax amin any
arange argmax argmin as_strided _assert_async _assert_scalar _assert_tensor_metadata atan atan2
avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bitwise_and bitwise_not bitwise_or bmm cat
ceil celu channel_shuffle chunk clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clone
constant_pad_nd contiguous conv1d conv2d conv3d conv_transpose1d conv_transpose2d convolution
copy cos cosine_similarity cumsum detach detach_ diagonal div div_ dot dropout dropout_ einsum
elu elu_ embedding eq erf exp expand expand_as expm1 feature_dropout fill_ flatten flip floor
floor_divide fmod full full_like gather ge gelu gelu_ glu grid_sampler grid_sampler_2d
group_norm gt hardshrink hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_ im2col
index index_select instance_norm isfinite isinf isnan layer_norm le leaky_relu leaky_relu_ lerp
lift_fresh lift_fresh_copy linalg_vector_norm linear linspace log log10 log1p log2 log_sigmoid
_log_softmax log_softmax logical_and logical_not logical_or logical_xor logsumexp lt masked_fill
masked_fill_ matmul max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d maximum mean
meshgrid min minimum mish mish_ mm movedim mul mul_ mv narrow
_native_batch_norm_legit_no_training native_group_norm native_layer_norm ne neg new_full
new_ones new_zeros norm one_hot ones ones_like outer pad permute pixel_shuffle pixel_unshuffle
pow prelu _prelu_kernel prod reciprocal reflection_pad1d reflection_pad2d relu relu_ relu6
relu6_ remainder repeat replication_pad2d reshape rms_norm roll round rsqrt rsub scalar_tensor
scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu select selu selu_
sigmoid sigmoid_ sign silu silu_ sin slice _softmax softmax softplus softshrink sort split
split_with_sizes sqrt square squeeze stack std std_mean sub sub_ sum swapaxes
sym_constrain_range sym_constrain_range_for_size sym_numel sym_size sym_stride t take_along_dim
tan tanh tanh_ threshold threshold_ to _to_copy topk transpose tril triu trunc type_as unbind
unflatten unfold _unsafe_view unsqueeze upsample_bicubic2d upsample_bilinear2d
upsample_nearest2d _upsample_nearest_exact2d var var_mean view view_as where zero_ zeros
zeros_like
"""
ATEN = frozenset(NAMES.split())
OVERLOAD = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)", re.ASCII)
OTHERS = re.compile(
    r"torch\.ops\.higher_order\.(wrap_with_set_grad_enabled|wrap_with_autocast|cond)"
    r"|_operator\.(add|sub|mul|truediv|floordiv|mod|neg|getitem|eq|ne|lt|le|gt|ge|and_|or_)"
    r"|math\.(ceil|floor|trunc|sqrt)"
    r"|torch\.sym_(int|float|max|min|not|ite|sum|sqrt)"
)


def is_allowed(target: str) -> bool:
    """Whether a program may call this: an operator that computes, and returns what it computed.

    Overloads that write their result into a tensor they are given (``out``) are none of these.
    """
    found = OVERLOAD.fullmatch(target)
    if found is None:
        return OTHERS.fullmatch(target) is not None
    return found[1] in ATEN and not re.search(r"(^|_)out$", found[2])
