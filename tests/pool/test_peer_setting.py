"""What settings may say of peers and sizes: as text, as a table of the TOML file, and in words when it will not do."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.config import KnownPeer, SettingError, Settings, Space, is_in, resolve
from pool.config.networks import network
from pool.config.peers import peers, show_peers
from pool.config.uids import SOP_CLASSES, TRANSFER_SYNTAXES
from ul import sop_class
from ul.uid import UID

ROOT = Path(__file__).parent.parent.parent

CT1 = KnownPeer(
    "CT1",
    (ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32")),
    4,
    (SOP_CLASSES["CTImageStorage"], "1.2.3.4"),
    (TRANSFER_SYNTAXES["JPEG2000Lossless"],),
)
TEXT = "CT1,from=10.0.0.0/8+192.0.2.7,max=4,sop-classes=CTImageStorage+1.2.3.4,transfer-syntaxes=JPEG2000Lossless"


def test_a_peer_as_text():
    assert resolve({"peer": (TEXT, "MY SCU, max=1")}, {}).peer == (CT1, KnownPeer("MY SCU", maximum=1))
    assert resolve({}, {"ULPOOL_PEER": f"MR1;{TEXT}"}).peer == (KnownPeer("MR1"), CT1)
    assert resolve({}, {}).peer == ()


def test_a_peer_as_a_table_of_the_file(tmp_path):
    file = tmp_path / "ulpool.toml"
    file.write_text(
        '[[peer]]\ntitle = "CT1"\nfrom = ["10.0.0.0/8", "192.0.2.7"]\nmax = 4\n'
        'sop_classes = ["CTImageStorage", "1.2.3.4"]\ntransfer_syntaxes = "JPEG2000Lossless"\n'
        '[[peer]]\ntitle = "MR+1=A"\n'
    )
    assert resolve({}, {}, file).peer == (CT1, KnownPeer("MR+1=A"))
    file.write_text(f'peer = ["MR1", "{TEXT}"]\n')
    assert resolve({}, {}, file).peer == (KnownPeer("MR1"), CT1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CT1,form=10.0.0.0/8", "CT1: form: no such key; did you mean from?"),
        ("CT1,colour=red", "the keys are from, max, sop-classes, transfer-syntaxes"),
        ("CT1,10.0.0.0/8", "CT1: 10.0.0.0/8: no such key"),
        ("CT1,max", "CT1: max: give max=VALUE"),
        ("CT1,max=0", "CT1: max: give a whole number from 1"),
        ("CT1,max=2,max=3", "CT1: max is given twice"),
        ("CT1,sop-classes=CTImageStorag", "CT1: sop-classes: CTImageStorag: no such SOP class; did you mean CTImage"),
        ("CT1,sop-classes=", "give a keyword of PS3.6 or a UID"),
        ("CT1,sop-classes=1..2", "give a keyword of PS3.6 or a UID"),
        ("CT1,sop-classes=JPEG2000Lossless", "no such SOP class"),
        ("CT1,transfer-syntaxes=JPEG2000Losless", "no such transfer syntax; did you mean JPEG2000Lossless?"),
        ("CT1,from=10.0.0.1/8", "10.0.0.1/8 has host bits set; give addresses or networks"),
        ("CT1,from=pacs.example", "'pacs.example' is no address; give addresses or networks"),
        ("CT1;MR1;CT1,max=2", "CT1 is listed twice"),
        ("CT1;", "1 to 16 ASCII characters"),
        ("A TITLE THAT IS TOO LONG", "1 to 16 ASCII characters"),
    ],
)
def test_nonsense_is_named_with_its_place(text, says):
    with pytest.raises(SettingError) as raised:
        resolve({"peer": (text,)}, {})
    assert str(raised.value).startswith(f"--peer: {text!r} will not do: ") and says in str(raised.value)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("max = 4", "peer[2]: title: '' will not do"),
        ('title = "A,B"', "peer[2]: title: 'A,B' will not do: give an AE title without a comma or semicolon"),
        ('title = "CT2"\nmax = 1.5', "peer[2]: CT2: max: 1.5 will not do"),
        ('title = "CT2"\nfrom = "10.0.0.0/8,192.0.2.0/24"', "peer[2]: CT2: from: '10.0.0.0/8,192.0.2.0/24' will not"),
        ('title = "CT2"\nform = "10.0.0.0/8"', "CT2: form: no such key; did you mean from?"),
        ('title = "CT2"\n[peer.from]\na = 1', "peer[2]: CT2: from: {'a': 1} will not do"),
    ],
)
def test_nonsense_in_a_table_is_named_with_its_place(tmp_path, table, says):
    file = tmp_path / "ulpool.toml"
    file.write_text(f'[[peer]]\ntitle = "CT1"\n[[peer]]\n{table}\n')
    with pytest.raises(SettingError) as raised:
        resolve({}, {}, file)
    assert str(raised.value).startswith(f"{file}: peer") and says in str(raised.value)


def test_a_table_is_not_what_other_settings_are_made_of(tmp_path):
    file = tmp_path / "ulpool.toml"
    file.write_text('[[require_calling_aet]]\ntitle = "CT1"\n')
    with pytest.raises(SettingError, match="give text or a list of texts"):
        resolve({}, {}, file)


TITLES = st.text(st.sampled_from("ABC 1+=-"), min_size=1, max_size=16).map(str.strip).filter(bool)
BLOCKS = st.one_of(st.ip_addresses().map(str), st.sampled_from(["10.0.0.0/8", "::/0"])).map(network)
UIDS = st.sampled_from([*SOP_CLASSES.values(), "2.25.1"])
PEERS = st.builds(
    KnownPeer,
    TITLES,
    st.lists(BLOCKS, max_size=3).map(tuple),
    st.integers(0, 1_000_000),
    st.lists(UIDS, max_size=3).map(tuple),
    st.lists(st.sampled_from([*TRANSFER_SYNTAXES.values()]), max_size=3).map(tuple),
)


@given(st.lists(PEERS, max_size=4, unique_by=lambda peer: peer.title).map(tuple))
def test_peers_reach_the_workers_as_they_are(several):
    assert peers(show_peers(several)) == several
    assert Settings.from_json(Settings(peer=several).to_json()).peer == several


def test_the_table_of_keywords_is_what_the_script_makes_and_what_the_protocol_has():
    script = ROOT / "scripts" / "make_tables.py"
    made = subprocess.run([sys.executable, script, "keywords"], capture_output=True, text=True, check=True)
    assert made.stdout == (ROOT / "pool" / "config" / "uids.py").read_text()
    kinds = {"SOP Class": SOP_CLASSES, "Meta SOP Class": SOP_CLASSES, "Transfer Syntax": TRANSFER_SYNTAXES}
    for uid, row in UID.registered.items():
        if row.type in kinds:
            assert kinds[row.type][row.keyword] == uid
    assert all(getattr(sop_class, keyword) == uid for keyword, uid in (SOP_CLASSES | TRANSFER_SYNTAXES).items())


# Addresses and sizes


@pytest.mark.parametrize(
    ("host", "inside"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("fd00::1%eth0", True), ("", False)],
)
def test_an_address_in_a_network(host, inside):
    assert is_in(host, (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))) is inside


@pytest.mark.parametrize(
    ("text", "bytes"),
    [("0", 0), ("65536", 65536), ("64k", 65536), ("512KiB", 524288), ("2 GB", 2 << 30), ("1T", 1 << 40)],
)
def test_sizes(text, bytes):
    assert resolve({"max_object": text}, {}).max_object == bytes
    assert resolve({"min_free": text}, {}).min_free == Space(bytes)


def test_a_share_of_a_file_system():
    floor = resolve({"min_free": "2.5%"}, {}).min_free
    assert floor == Space(percent=2.5)
    assert (floor.of(1000), Space(bytes=7).of(1000)) == (25, 7)
    assert Settings.from_json(Settings(min_free=floor).to_json()).min_free == floor


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "G", "1X", "9" * 30, "1e6", "\u0661"])
def test_what_is_no_size(text):
    with pytest.raises(SettingError, match="such as 65536, 512K or 2G, or 0 for no limit"):
        resolve({"max_object": text}, {})


@pytest.mark.parametrize("text", ["100%", "-1%", "%", "nan%", "x"])
def test_what_is_no_floor(text):
    with pytest.raises(SettingError, match="such as 10G, or a percentage below 100"):
        resolve({"min_free": text}, {})
