"""What each system of the challenge is, in a sentence or two, and what of its network is ours.

`facegauge-train systems-page` puts these beside the registry's and the recipes' figures: docs/systems.md.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ABOUT", "About"]


class About(NamedTuple):
    """A network in words."""

    what: str
    ours: str
    """What the report leaves open and how it was settled, or what differs."""
    tried: str = ""
    """What was tried to meet reported costs that the report does not settle."""


ABOUT = {
    "ecnu-sjtu": About(
        "EdgeNeXt-XX-Small with a perceptron of two layers, taught by a Swin-B that taught itself: "
        "the teacher labels faces from the Internet, learns from them, labels more, and the student "
        "learns from all.",
        "Nothing of the network: no activation between the two layers, no normalisation before them, "
        "as in the team's code. Without ImageNet's weights its stem begins as cosines.",
    ),
    "mediaforensics": About(
        "MobileNetV3-Small as TensorFlow has it, trained in three stages of growing size, the weights "
        "of the last one averaged (MSPT).",
        "Small pictures are padded by their mirror image, as Albumentations' PadIfNeeded did before its "
        "version 2; the report does not say with what. Our crops are smaller than the 640x640 of the test: "
        "in black, most of what is seen would be border.",
    ),
    "next": About(
        "MobileNetV3-Small that learns CLIP's embedding of a picture; its likeness to five graded "
        "anchors is the score.",
        "The anchors are learnt directly in the joint space, not as prompts through CLIP's text tower "
        "(see below). With a teacher without grades, its scores alone are learnt.",
    ),
    "athenaface": About(
        "MobileNetV3-Small and ShuffleNetV2-x0.5, a head each, averaged.",
        "ReLU and dropout 0.2 in the heads; that 600 is the height.",
    ),
    "njupt": About(
        "Three patches of the face through MobileNetV3-Small, fused in space and frequency (Haar "
        "wavelets, a selective scan), beside the whole face through ShuffleNetV2-x0.5 (SFIQA).",
        "All widths, and that the whole face is halved: within 5% of the reported costs. Where the "
        "patches lie is, as theirs, a prior of many faces and the same for every picture, so a served "
        "network needs no landmarks: the places that together hold most of MediaPipe's six key points, "
        "in place of PFLD's, of up to 15,000 training pictures. In our crops 94% to 99% of unseen faces "
        "have each key point within a patch (`facegauge-train key-points`).",
        "Three patches through MobileNetV3-Large take 0.67 GFLOPs, more than the whole; through the Small "
        "one 0.17. ShuffleNetV2-x0.5 takes 0.40 at 800x600, which leaves too little, and 0.10 at 400x300. "
        "The widths of all that joins the two are free, and many choices meet both totals.",
    ),
    "ecnu-vis": About(
        "MobileNetV4-Conv-Small at 512x512, with strides edited to meet the budget.",
        "Which strides: of all edits of up to five, the one that comes nearest the reported GFLOPs "
        "(0.0003 off).",
        "Conv-Small and the head meet the parameters to the last digit; strides cost none. Unedited it "
        "takes 0.98 GFLOPs, one edit alone comes no nearer than 0.4891, and no edit of up to five strides "
        "gives 0.4923.",
    ),
    "jnu620": About(
        "MobileNetV2 trained at 224, then at 256 pixels.",
        "Nothing of the network.",
    ),
    "iseecv": About(
        "MobileViT-XXS that ranks degraded copies below their originals, sees every band of scores "
        "alike, and learns with a Wing loss and a correlation (RankCORE).",
        "The backbone, which the report does not name: the only one of the reported size and cost. "
        "The crop at test is the centre, not a random one, so that a picture has one score.",
    ),
    "regnet": About(
        "RegNetY-400MF with three fully connected layers.",
        "Dropout 0.3.",
    ),
    "conquerit": About(
        "MobileNetV3-Large, whose loss mixes rank, correlation and a focal error on noisy labels.",
        "Activations between the head's layers; timm's dead last convolution is kept, since it is in "
        "the count.",
    ),
    "bit-ssvgg": About(
        "MobileNetV2 for texture beside large kernels (31x31, 13x13) for the whole face.",
        "All widths of the second branch: within 5% of the reported costs. The orientation: 224x336 is "
        "read as height by width, as ATHENAFace's 600x416 is and as torchvision's resize takes it, so "
        "that crops, which are taller than wide, come out squashed; costs are the same both ways and do "
        "not tell which it was.",
        "MobileNetV2 takes 0.475 GFLOPs and 2.22 M parameters of the totals, upright or lying. What is "
        "left has 70 parameters for a multiply-add: the branch must be small maps and a wide head, of "
        "which many meet both totals.",
    ),
    "2077agent": About(
        "EMOv2-1M, which learns from EMOv2-5M by softened scores.",
        "The resize to 224x224 lies within the network. Layer scales begin at 0.1, not at 1e-6.",
    ),
    "ders": About(
        "A wide MobileNetV2 with channel, spatial and a projected self-attention, pooled at several "
        "scales (LightHSPA). It takes pictures as they are, which is why it is over both limits of "
        "the challenge.",
        "All widths: within 5% of the reported costs, at 336x336.",
        "Pictures were tested as they came, so the size of the reported GFLOPs is not known. At 336x336 "
        "the backbone takes 0.72, 0.81, 1.11 and 1.38 GFLOPs at widths 1.0, 1.1, 1.2 and 1.4, and 2.2 to "
        "4.3 M parameters: at 1.1 most of the rest is a head; other sizes leave room for other widths.",
    ),
    "baseline": About(
        "The organisers' MobileNetV2 on a patch of 224x224.",
        "The patch at test is the centre, not a random one. The report's better baseline, the mean of 20 "
        "random patches, is measured (`evaluate-images --patches 20`, `table1`) and not served: it "
        "takes 6.3 GFLOPs.",
    ),
}
"""Every system of the challenge, in the order of the ranks."""
