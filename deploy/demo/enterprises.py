"""The demo's units: invented enterprises, plants, parks and incubators. No real company is meant."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # of GB 32100-2015
REGISTER = ["unit", "class", "parent", "name", "parks", "reporter", "in_boundary", "industry", "clusters", "flags",
            "status", "succeeds", "from", "to"]

# Industry, word of the name, clusters, parks in the order of likelihood, high-tech firms of 125.
TRADES = [
    ("C3670", "汽车零部件", "automobile", "liudong yanghe luowei hexi", 25),
    ("C3670", "汽车内饰", "automobile", "yanghe liudong luowei", 12),
    ("C3612", "新能源汽车", "automobile;new_energy_vehicles", "liudong yanghe", 60),
    ("C3849", "动力电池", "new_energy_vehicles;new_materials", "liudong", 60),
    ("C3514", "工程机械", "machinery;high_end_equipment", "liubei xinxing hexi", 40),
    ("C3484", "机械配件", "machinery", "xinxing liubei hexi", 12),
    ("C3442", "液压件", "machinery;high_end_equipment", "hexi xinxing", 35),
    ("C3130", "钢材加工", "steel", "liubei xinxing", 8),
    ("C3140", "特种合金", "steel;special_steel;new_materials", "liubei", 35),
    ("C3714", "轨道交通装备", "rail_transit;high_end_equipment", "hexi liudong", 50),
    ("C3823", "配电设备", "smart_grid", "hexi liudong", 40),
    ("C3022", "装配式建筑构件", "prefabricated_building", "xinxing liubei yanghe", 15),
    ("C3985", "电子材料", "electronics;new_materials", "liudong luowei", 45),
    ("C3962", "智能终端", "electronics;intelligent_manufacturing", "liudong luowei", 50),
    ("C3491", "工业机器人", "intelligent_manufacturing;high_end_equipment", "liudong hexi", 70),
    ("C3591", "环保设备", "energy_saving", "hexi yanghe", 30),
    ("C2740", "中药", "biomedicine", "hexi liudong", 30),
    ("C3581", "医疗器械", "biomedicine;high_end_equipment", "liudong hexi", 45),
    ("C2927", "塑料制品", "", "yanghe luowei liubei xinxing hexi liudong", 4),
    ("C2231", "纸制品", "", "luowei liubei xinxing yanghe", 2),
    ("C3311", "金属结构", "", "liubei xinxing hexi yanghe liudong", 6),
    ("C1353", "肉制品", "", "xinxing yanghe", 1),
    ("I6513", "软件", "producer_services;electronics", "liudong hexi", 60),
    ("G5990", "物流", "producer_services", "liudong yanghe liubei", 3),
]
# The large ones: word, industry, clusters, park, revenue of 2018 in 千元.
GIANTS = [
    ("龙城之光汽车", "C3611", "automobile;intelligent_manufacturing;new_energy_vehicles", "liudong", 105_312_640),
    ("北岭特钢", "C3120", "new_materials;special_steel;steel", "liubei", 42_618_305),
    ("河西重装", "C3514", "high_end_equipment;machinery", "hexi", 33_127_918),
    ("阳和车桥", "C3670", "automobile", "yanghe", 28_406_177),
    ("新兴装载", "C3514", "high_end_equipment;machinery", "xinxing", 16_932_450),
    ("柳东芯材", "C3985", "electronics;new_materials", "liudong", 12_215_083),
    ("洛维车身", "C3670", "automobile", "luowei", 11_507_266),
]
COUNTS = {"liudong": 345, "hexi": 220, "yanghe": 188, "luowei": 88, "liubei": 129, "xinxing": 90}
FIRST = "青云松鹤瑞丰恒泰江岭明远锦程天禾宏源景阳兴和诚立广安盛峰腾越致新博联正华昌"
SECOND = "禾川柏岩泽达信拓凯茂创祥卓越裕康益鼎航翔辉润奥科力达成威通驰"


def check_character(code):
    total = sum(ALPHABET.index(c) * pow(3, n, 31) for n, c in enumerate(code))
    return ALPHABET[(31 - total % 31) % 31]


def uscc(rng, taken):
    """Valid in form, and nobody's: no organisation code begins with MD."""
    while True:
        body = "MD" + "".join(rng.choice("0123456789") for _ in range(6))
        weights = (3, 7, 9, 10, 5, 8, 4, 2)
        rest = 11 - sum(int(c, 36) * w for c, w in zip(body, weights)) % 11
        code = "91450200" + body + {10: "X", 11: "0"}.get(rest, str(rest))
        code += check_character(code)
        if code not in taken:
            taken.add(code)
            return code


def row(unit, unit_class, name, parks, **more):
    """A row of the register."""
    return {**dict.fromkeys(REGISTER, ""), "unit": unit, "class": unit_class, "name": name, "parks": parks,
            "in_boundary": "1", "status": "正常", **more}


def _flags(rng, high_tech, industry):
    flags = [] if industry[0] != "C" else ["above_scale"]
    if rng.randrange(125) < high_tech:
        flags.append("high_tech")
        if rng.randrange(3) == 0:
            flags.append("sei")
        if rng.randrange(20) == 0:
            flags.append("growth_plan")
    return ";".join(sorted(flags))


def _ordinary(rng, taken, names):
    for park, count in COUNTS.items():
        trades = [trade for trade in TRADES for place, home in enumerate(trade[3].split()) if home == park
                  for _ in range(max(1, 4 - place))]
        for _ in range(count):
            industry, word, clusters, _, high_tech = rng.choice(trades)
            while True:
                name = f"示例{rng.choice(FIRST)}{rng.choice(SECOND)}{word}有限公司"
                if name not in names:
                    break
            names.add(name)
            revenue = int(rng.lognormvariate(10.75, 1.15)) + 20_000
            yield row(uscc(rng, taken), "enterprise", name, park, industry=industry, clusters=clusters,
                      flags=_flags(rng, high_tech, industry),
                      in_boundary="0" if rng.randrange(60) == 0 else "1"), min(revenue, 3_800_000)


def _special(rng, taken):
    """Units of a kind that each zone has: {role: (row, revenue)}."""
    def firm(name, parks, revenue, **more):
        return row(uscc(rng, taken), "enterprise", f"示例{name}有限公司", parks, flags="above_scale;high_tech",
                   industry="C3670", clusters="automobile", **more), revenue

    parent = uscc(rng, taken)
    found = {
        # Registered in one park, working in another: both report it, the reporter's figures count.
        "shared": firm("两地车灯", "liudong;yanghe", 912_400, reporter="liudong"),
        # Nobody is named, and only luowei reports.
        "shared_silent": firm("跨园轮毂", "hexi;luowei", 388_150),
        # Two plants of one firm whose seat is elsewhere: each reports, the tier counts the firm.
        "plant_1": (row(f"{parent}-01", "establishment", "示例双厂装备有限公司柳东工厂", "liudong", industry="C3514",
                        clusters="high_end_equipment;machinery", flags="above_scale"), 6_318_000),
        "plant_2": (row(f"{parent}-02", "establishment", "示例双厂装备有限公司河西工厂", "hexi", industry="C3514",
                        clusters="high_end_equipment;machinery", flags="above_scale"), 5_942_000),
        "comma": firm("百禾机械,装备", "hexi", 64_230),
        "moves": firm("搬迁模具", "xinxing", 153_870),
    }
    # Genuine codes exist whose check character fails: a finding, no refusal.
    odd, revenue = firm("老字号铸造", "liubei", 71_600)
    wrong = "0" if odd["unit"][-1] != "0" else "1"
    odd["unit"] = odd["unit"][:-1] + wrong
    taken.add(odd["unit"])
    found["odd_code"] = (odd, revenue)
    return found


def _carriers():
    names = {"liudong": "柳东", "hexi": "河西", "yanghe": "阳和", "luowei": "洛维", "liubei": "柳北", "xinxing": "新兴"}
    for park, name in names.items():
        flags = "ip_pilot" if park == "liudong" else ""
        yield row(f"park-{park}", "park", f"{name}园区", park, flags=flags)
    regional = {"liudong": 3, "hexi": 2, "yanghe": 1, "liubei": 1}
    for park, name in names.items():
        for n in range(1, 4 if park == "liudong" else 3):
            flags = ["autonomous_region_level"] if n <= regional.get(park, 0) else []
            flags += ["maker_space"] if n == 2 else ["startup_base"] if n == 1 and park != "luowei" else []
            yield row(f"incubator-{park}-{n}", "incubator", f"示例{name}孵化器{n}号", park, flags=";".join(flags),
                      industry="L7264")
    yield row("liuzhou", "city", "柳州市", "city")


def make(rng):
    """All units: ({unit: versions}, {unit: revenue of 2018}, {role: unit})."""
    taken, names, units, revenues, roles = set(), set(), {}, {}, {}
    for word, industry, clusters, park, revenue in GIANTS:
        flags = "above_scale" if word == "北岭特钢" else "above_scale;growth_plan;high_tech;sei"
        giant = row(uscc(rng, taken), "enterprise", f"示例{word}股份有限公司", park, industry=industry,
                    clusters=clusters, flags=flags)
        units[giant["unit"]], revenues[giant["unit"]] = [giant], revenue
    for role, (special, revenue) in _special(rng, taken).items():
        roles[role] = special["unit"]
        units[special["unit"]], revenues[special["unit"]] = [special], revenue
    ordinary = []
    for unit, revenue in _ordinary(rng, taken, names):
        units[unit["unit"]] = [unit]
        if "above_scale" in unit["flags"]:
            revenues[unit["unit"]] = revenue
            ordinary.append(unit["unit"])
    _history(rng, units, ordinary, roles)
    for unit in _carriers():
        units[unit["unit"]] = [unit]
    return units, revenues, roles


def _turn(units, unit, day, **changes):
    """From this day on the unit is something else."""
    units[unit].append({**units[unit][-1], "from": day, **changes})


def _history(rng, units, ordinary, roles):
    """What happened to units within 2018."""
    chosen = rng.sample(ordinary, 28)
    for unit in chosen[:14]:  # grew above scale in July
        flags = [flag for flag in units[unit][0]["flags"].split(";") if flag != "above_scale"]
        before = {**units[unit][0], "flags": ";".join(flags)}
        units[unit] = [before, {**units[unit][0], "from": "2018-07-01"}]
    roles["risen"] = chosen[:14]
    for unit in chosen[14:18]:
        _turn(units, unit, "2018-09-01", status="关闭")
    roles["closed"] = chosen[14:18]
    for unit in chosen[18:24]:
        _turn(units, unit, "2018-06-01", status="停产")
    roles["stopped"] = chosen[18:24]
    for unit in chosen[24:28]:
        units[unit][0]["from"] = "2018-04-01"
    roles["new"] = chosen[24:28]
    units[chosen[24]][0]["succeeds"] = chosen[14]
    _turn(units, roles["moves"], "2018-07-01", parks="liubei")
