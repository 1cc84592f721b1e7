"""Real senders to a real server, without a special option on either side."""

from __future__ import annotations

from pathlib import Path

import peers
from pydicom.data import get_testdata_file
from serving import server, ulpool


def test_dcmtk_echoes_and_sends(tmp_path: Path) -> None:
    image = str(get_testdata_file("CT_small.dcm"))
    with server(tmp_path / "store") as running:
        port = str(running.port)
        assert peers.run(peers.dcmtk("echoscu"), "127.0.0.1", port).returncode == 0
        assert peers.run(peers.dcmtk("storescu"), "127.0.0.1", port, image).returncode == 0
        assert peers.run(peers.dcmtk("dcmsend"), "127.0.0.1", port, image).returncode == 0
        assert len(running.files()) == 1
        assert running.terminate() == 0


def test_our_own_verbs_reach_it(tmp_path: Path) -> None:
    with server(tmp_path / "store") as running:
        peer = f"ULPOOL@127.0.0.1:{running.port}"
        assert ulpool("echo", peer).returncode == 0
        assert ulpool("send", peer, get_testdata_file("CT_small.dcm")).returncode == 0
        assert len(running.files()) == 1
        assert ulpool("stop", "--control", running.control).returncode == 0
        assert running.process.wait(peers.DEADLINE) == 0
