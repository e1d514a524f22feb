"""PSNR and SSIM against scikit-image, and the command around them."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vcmflow.__main__ import stage
from vcmflow.core.decision import Decision, write_decision
from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import write_video
from vcmflow.fidelity.measure import Original, measure


def picture(seed, height=45, width=67):
    random = np.random.default_rng(seed)
    return np.kron(random.integers(0, 256, (15, 23, 3)), np.ones((3, 3, 1)))[
        :height, :width
    ].astype(np.uint8)


def noisy(frame, spread, seed=9):
    noise = np.random.default_rng(seed).normal(0, spread, frame.shape)
    return (frame + noise).clip(0, 255).astype(np.uint8)


def reference_ssim(one, other):
    weights = np.array([0.2126, 0.7152, 0.0722])
    return structural_similarity(
        one @ weights,
        other @ weights,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )


@pytest.mark.parametrize(("height", "width"), [(45, 67), (11, 11), (12, 40), (44, 66)])
@pytest.mark.parametrize("spread", [0.5, 5, 60])
def test_equal_to_scikit_image(height, width, spread):
    frame = picture(1, height, width)
    recon = noisy(frame, spread)
    value = Original(frame).compare(recon)
    assert value.ssim == pytest.approx(reference_ssim(frame, recon), abs=1e-9)
    expected = peak_signal_noise_ratio(frame, recon, data_range=255)
    assert value.psnr == pytest.approx(expected, abs=1e-9)
    assert value.mse == pytest.approx(np.mean((frame.astype(float) - recon) ** 2), rel=1e-12)


def test_unlike_pictures_too():
    one, other = picture(1), picture(2)
    assert Original(one).compare(other).ssim == pytest.approx(reference_ssim(one, other), abs=1e-9)
    assert Original(one).compare(255 - one).ssim < 0


def test_an_equal_frame_is_perfect():
    value = Original(picture(1)).compare(picture(1))
    assert (value.mse, value.psnr) == (0.0, math.inf)
    assert value.ssim == pytest.approx(1.0)


def test_known_error():
    """Off by 5 in one of the three channels: MSE 25 / 3."""
    frame = np.full((20, 20, 3), 100, np.uint8)
    recon = frame.copy()
    recon[..., 1] += 5
    value = Original(frame).compare(recon)
    assert value.mse == pytest.approx(25 / 3)
    assert value.psnr == pytest.approx(10 * math.log10(255**2 * 3 / 25))


def test_one_pass_over_all_reconstructions():
    frames = [picture(seed) for seed in range(3)]
    reads = []

    def original():
        for number, frame in enumerate(frames):
            reads.append(number)
            yield frame

    recons = [[noisy(frame, spread) for frame in frames] for spread in (2, 8)]
    rows = list(measure(original(), [iter(recon) for recon in recons]))
    assert reads == [0, 1, 2]
    for frame, row, fine, coarse in zip(frames, rows, *recons, strict=True):
        assert row == [Original(frame).compare(fine), Original(frame).compare(coarse)]
        assert row[0].psnr > row[1].psnr
        assert row[0].ssim > row[1].ssim


def test_what_cannot_be_compared():
    with pytest.raises(VcmflowError, match="40x10; SSIM needs at least 11x11"):
        Original(np.zeros((10, 40, 3), np.uint8))
    with pytest.raises(VcmflowError, match="66x45, its original 67x45"):
        Original(picture(1)).compare(picture(1)[:, :66])
    frames = [picture(1), picture(2)]
    with pytest.raises(VcmflowError, match="reconstruction 1 ends after 1 frames"):
        list(measure(frames, [frames, frames[:1]]))
    with pytest.raises(VcmflowError, match="reconstruction 0 has more than the original's 2"):
        list(measure(frames, [[*frames, frames[0]], frames]))


@pytest.fixture
def videos(tmp_path):
    """Four frames, three of them kept, and two reconstructions."""
    frames = [picture(seed) for seed in range(4)]
    write_video(tmp_path / "original.mkv", frames, 10)
    write_video(tmp_path / "fine.mkv", [noisy(frame, 2) for frame in frames], 10)
    equal_first = [frames[0], *(noisy(frame, 9) for frame in frames[1:])]
    write_video(tmp_path / "coarse.mkv", equal_first, 10)
    decision = Decision("yard", "uniform", "uniform", 4, 3, (0, 1, 3), 10.0)
    write_decision(tmp_path / "decision.json", decision)
    return tmp_path


def arguments(folder, *more):
    return [
        "fidelity", "--original", f"{folder}/original.mkv",
        "--decision", f"{folder}/decision.json",
        "--recons", f"{folder}/fine.mkv", f"{folder}/coarse.mkv",
        "--points", "22", "0.05", "--out", f"{folder}/out/fidelity.csv", *more,
    ]  # fmt: skip


def test_the_table(videos):
    assert stage(arguments(videos)) == 0
    text = (videos / "out" / "fidelity.csv").read_text()
    assert text.startswith("sequence,point,frame,kept,mse,psnr,ssim\nyard,22,0,1,")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["point"], row["frame"], row["kept"]) for row in rows] == [
        *(("22", str(frame), kept) for frame, kept in enumerate("1101")),
        *(("0.05", str(frame), kept) for frame, kept in enumerate("1101")),
    ]
    assert (rows[4]["mse"], rows[4]["psnr"], rows[4]["ssim"]) == ("0.000000", "inf", "1.000000")
    frame = picture(2)
    value = Original(frame).compare(noisy(frame, 2))
    expected = (f"{value.mse:.6f}", f"{value.psnr:.4f}", f"{value.ssim:.6f}")
    assert (rows[2]["mse"], rows[2]["psnr"], rows[2]["ssim"]) == expected


def test_the_same_bytes_again(videos):
    written = []
    for _ in range(2):
        assert stage(arguments(videos)) == 0
        written.append((videos / "out" / "fidelity.csv").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--points", "1", "2", "3"], "--points has 3 values for 2 videos"),
        (["--recons", "one.mkv", "two.mkv"], "one.mkv: no such file"),
    ],
)
def test_bad_input_is_one_line(videos, capsys, more, message):
    assert stage(arguments(videos, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (videos / "out").exists()


def test_a_decision_for_another_video_is_noticed(videos, capsys):
    decision = Decision("yard", "uniform", "uniform", 5, 2, (0, 4), 10.0)
    write_decision(videos / "decision.json", decision)
    assert stage(arguments(videos)) == 2
    assert "has 4 frames, 5 according to" in capsys.readouterr().err
