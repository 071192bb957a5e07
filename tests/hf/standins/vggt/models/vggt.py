"""The net: pictures of a scene to tokens, tokens to codes of poses."""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

REGISTERS = 4


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, tokens):
        q, k, v = self.qkv(self.norm(tokens))[:, None].chunk(3, dim=-1)
        return tokens + self.out(nn.functional.scaled_dot_product_attention(q, k, v)[:, 0])


class Aggregator(nn.Module):
    def __init__(self, patch_size, embed_dim):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, embed_dim, patch_size, patch_size)
        self.camera_token = nn.Parameter(torch.randn(1, 2, 1, embed_dim))
        self.register_token = nn.Parameter(torch.randn(1, 2, REGISTERS, embed_dim))
        self.frame_blocks = nn.ModuleList([Attention(embed_dim)])
        self.global_blocks = nn.ModuleList([Attention(embed_dim)])
        for name, value in (("_resnet_mean", (0.485, 0.456, 0.406)), ("_resnet_std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(value).view(1, 1, 3, 1, 1), persistent=False)

    def forward(self, images):
        batch, scene, _, height, width = images.shape
        assert height % 14 == width % 14 == 0
        pixels = ((images - self._resnet_mean) / self._resnet_std).flatten(0, 1)
        patches = self.patch_embed(pixels).flatten(2).transpose(1, 2)
        first = torch.tensor([0] + [1] * (scene - 1), device=images.device).repeat(batch)
        tokens = torch.cat([self.camera_token[0, first], self.register_token[0, first], patches], dim=1)
        within = self.frame_blocks[0](tokens)
        between = self.global_blocks[0](within.reshape(batch, -1, within.shape[-1])).reshape(within.shape)
        both = torch.cat([within, between], dim=-1).unflatten(0, (batch, scene))
        return [None, both], 1 + REGISTERS


class CameraHead(nn.Module):
    def __init__(self, dim_in):
        super().__init__()
        self.token_norm, self.embed_pose = nn.LayerNorm(dim_in), nn.Linear(9, dim_in)
        self.pose_branch = nn.Linear(dim_in, 9)

    def forward(self, aggregated_tokens_list, num_iterations=4):
        tokens = self.token_norm(aggregated_tokens_list[-1][:, :, 0])
        code, codes = torch.zeros((*tokens.shape[:2], 9), device=tokens.device), []
        for _ in range(num_iterations):
            code = code + self.pose_branch(torch.tanh(tokens + self.embed_pose(code.to(tokens.dtype))))
            codes.append(torch.cat([code[..., :7], code[..., 7:].relu()], dim=-1))
        return codes


class VGGT(nn.Module, PyTorchModelHubMixin):
    def __init__(
        self, img_size=518, patch_size=14, embed_dim=1024,
        enable_camera=True, enable_point=True, enable_depth=True, enable_track=True,
    ):  # fmt: skip
        super().__init__()
        self.aggregator = Aggregator(patch_size, embed_dim)
        self.camera_head = CameraHead(2 * embed_dim) if enable_camera else None
        self.point_head = nn.Linear(2 * embed_dim, 4) if enable_point else None
        self.depth_head = nn.Linear(2 * embed_dim, 2) if enable_depth else None
        self.track_head = nn.Linear(2 * embed_dim, 128) if enable_track else None
