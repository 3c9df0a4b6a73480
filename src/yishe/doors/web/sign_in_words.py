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
}
WAYS = {
    "password": "密码",
    "totp": "验证器",
    "passkey": "通行密钥",
    "recovery": "恢复码",
}
NEWS = {
    "locked": "您的账号因连续输错被暂时锁定；如果不是您，请更换密码",
    "new_device": "您的账号在一台新设备上登录；如果不是您，请结束那次登录并更换密码",
    "stolen": "您的登录被拿到另一台设备上用，已结束；请更换密码",
    "password_changed": "您的密码已更换，其他设备上的登录已结束",
    "factor_added": "您的账号添加了新的登录方式",
    "factor_removed": "您的账号移除了一种登录方式",
    "recovery_used": "您用了一个恢复码登录；所剩不多时请换一组",
}


def event(kind: str) -> str:
    return EVENTS.get(kind, kind)


def way(code: str) -> str:
    """`密码 + 验证器`."""
    return " + ".join(WAYS.get(part, part) for part in code.split("+"))


def news(what: str) -> str:
    return f"登录与设备：{NEWS.get(what, '有新情况')}"
