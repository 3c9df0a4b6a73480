"""What happened at the door, in words: the lines of 最近的登录记录, and the notices about one's account."""

EVENTS = {
    "signed_in": "登录",
    "session_stolen": "登录被拿到另一台设备上用，已结束",
    "totp_added": "添加了验证器",
    "totp_removed": "移除了验证器",
    "passkey_added": "添加了通行密钥",
    "passkey_removed": "删除了通行密钥",
    "passkey_suspect": "一把通行密钥可能被复制，已停用",
    "recovery_renewed": "换了一组恢复码",
    "recovery_used": "用了一个恢复码",
    "password_changed": "更换了密码",
    "password_given": "密码被重设，下次登录时须更换",
    "factors_reset": "验证器、通行密钥和恢复码被重设",
    "wrong_credentials": "账号或密码不对，未能登录",
    "wrong_password": "密码不对，未能解锁",
    "wrong_code": "验证码不对，未能登录",
    "wrong_pin": "PIN 不对，未能进入",
    "locked": "连续输错，账号暂时锁定",
    "unlocked": "账号被解除锁定",
    "signed_out": "退出登录",
    "sessions_ended": "登录被管理员结束",
    "session_ended": "结束了别处的登录",
    "switched": "在共用设备上换人进入",
    "pin_set": "设置了 PIN",
    "pin_removed": "删除了 PIN",
    "pin_over": "PIN 连续输错，已停用",
    "device_shared": "把一台设备登记为共用",
    "device_ended": "一台设备的登录和 PIN 全部结束",
}
KINDS = {
    "in": "进出",
    "refused": "被拒",
    "locked": "锁定与解锁",
    "factor": "登录方式变动",
    "reset": "密码与重设",
    "device": "设备",
}
WAYS = {
    "password": "密码",
    "totp": "验证器",
    "passkey": "通行密钥",
    "recovery": "恢复码",
    "pin": "PIN",
    "code": "登录码",
}
NEWS = {
    "locked": "您的账号因连续输错被暂时锁定；如果不是您，请更换密码",
    "new_device": "您的账号在一台新设备上登录；如果不是您，请结束那次登录并更换密码",
    "stolen": "您的登录被拿到另一台设备上用，已结束；请更换密码",
    "password_changed": "您的密码已更换，其他设备上的登录已结束",
    "password_given": "您的密码由管理员重设，登录都已结束；下次登录时请设置自己的密码",
    "factors_reset": "管理员移除了您的验证器、通行密钥和恢复码；下次登录时请重新设置",
    "sessions_ended": "管理员结束了您在各处的登录",
    "unlocked": "管理员解除了您账号的锁定",
    "device_ended": "管理员结束了一台设备上的登录和 PIN",
    "pin_over": "您在一台设备上的 PIN 因连续输错已停用；如果不是您，请更换密码",
    "factor_added": "您的账号添加了新的登录方式",
    "factor_removed": "您的账号移除了一种登录方式",
    "recovery_used": "您用了一个恢复码登录；所剩不多时请换一组",
}


def event(kind: str) -> str:
    return EVENTS.get(kind, kind)


def kind(group: str) -> str:
    """What the audit page may be asked for."""
    return KINDS[group]


def way(code: str) -> str:
    """`密码 + 验证器`."""
    return " + ".join(WAYS.get(part, part) for part in code.split("+"))


def news(what: str) -> str:
    return f"登录与设备：{NEWS.get(what, '有新情况')}"
