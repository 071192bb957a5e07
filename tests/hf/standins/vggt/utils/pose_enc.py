"""Poses from their codes."""

import torch


def pose_encoding_to_extri_intri(pose_encoding, image_size_hw=None, build_intrinsics=True):
    """Return camera-from-world matrices (B, S, 3, 4) and intrinsics (B, S, 3, 3) of codes (B, S, 9)."""
    x, y, z, w = (pose_encoding[..., 3:7] / pose_encoding[..., 3:7].norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
    rotation = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    extrinsics = torch.cat([rotation, pose_encoding[..., :3, None]], dim=-1)
    if not build_intrinsics:
        return extrinsics, None
    size = torch.tensor([float(side) for side in image_size_hw], device=pose_encoding.device)
    focal = size / 2 / torch.tan(pose_encoding[..., 7:9] / 2)
    intrinsics = torch.zeros((*pose_encoding.shape[:2], 3, 3), device=pose_encoding.device)
    intrinsics[..., 0, 0], intrinsics[..., 1, 1] = focal[..., 1], focal[..., 0]
    intrinsics[..., 0, 2], intrinsics[..., 1, 2], intrinsics[..., 2, 2] = size[1] / 2, size[0] / 2, 1.0
    return extrinsics, intrinsics
